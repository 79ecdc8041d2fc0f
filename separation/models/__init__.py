"""Networks in PyTorch: the loaded halves of backends. Imported only where the work is done."""
