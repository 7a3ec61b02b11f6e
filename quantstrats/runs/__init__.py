"""Runs: what an execution produced as plain data, kept in a folder, and the ledger of every trial."""
