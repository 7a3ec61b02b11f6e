"""Bars and all that is known about them: Market, calendar, side series, sources."""
