"""Reports are functions of a Run."""
