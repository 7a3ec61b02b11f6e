"""What vendors gave, kept on disk: a second run needs no network."""
