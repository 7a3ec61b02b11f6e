"""What goes over the wire: the broker's JSON of each thing, and what a client's JSON asks for."""
