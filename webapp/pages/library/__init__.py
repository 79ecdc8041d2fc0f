"""The Library: recordings and results, the trash, disk use."""
