"""The reference engine: Backtrader, subclassed and never patched."""
