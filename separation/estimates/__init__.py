"""Before a run: its time and memory, the next smaller setting, the layout of its chunks."""
