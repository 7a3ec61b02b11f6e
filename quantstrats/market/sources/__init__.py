"""Where bars come from: one source per file."""
