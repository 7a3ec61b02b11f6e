"""Bars as they come: pushed by a vendor's stream, or asked for again and again."""
