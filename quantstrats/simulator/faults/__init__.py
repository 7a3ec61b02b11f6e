"""What goes wrong on purpose: a script says what and when, and each fault is logged with its cause."""
