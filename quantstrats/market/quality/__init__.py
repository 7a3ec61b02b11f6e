"""Quality: what makes bars less than they seem, and what may be done about it."""
