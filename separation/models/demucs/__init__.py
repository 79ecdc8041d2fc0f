"""Demucs: finding its files, downloading them, and running its networks. Only `network` imports torch."""
