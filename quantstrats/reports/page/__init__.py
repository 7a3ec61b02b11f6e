"""Pages of HTML that hold all they show."""
