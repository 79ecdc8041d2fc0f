"""A small studio in NumPy: it composes nothing by chance that a seed does not fix, and plays four stems."""
