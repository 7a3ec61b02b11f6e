"""The look-ahead guard: which rows it recomputes, before which other future, and what a difference means."""
