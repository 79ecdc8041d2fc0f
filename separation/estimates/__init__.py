"""What is known before a run: estimates.py its time and memory, fallbacks.py smaller settings, layout.py its chunks."""
