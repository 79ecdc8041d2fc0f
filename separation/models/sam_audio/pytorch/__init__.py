"""The SAM-Audio network in PyTorch."""
