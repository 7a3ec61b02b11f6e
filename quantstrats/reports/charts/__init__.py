"""Interactive charts of a Run, as plain data in plotly's words."""
