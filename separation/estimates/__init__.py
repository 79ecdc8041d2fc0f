"""Predictions before a run: its time and memory, smaller settings if memory is short, the layout of its chunks."""
