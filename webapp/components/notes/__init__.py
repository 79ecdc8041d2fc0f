"""Notes pinned to times of a recording."""
