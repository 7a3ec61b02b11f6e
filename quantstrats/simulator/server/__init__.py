"""The servers that clients connect to."""
