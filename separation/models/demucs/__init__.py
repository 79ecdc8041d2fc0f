"""Demucs: its files on this computer, fetching them, and its networks at work. Only `network` imports torch."""
