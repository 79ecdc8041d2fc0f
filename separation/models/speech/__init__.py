"""The speech separator: DeepFilterNet3 through its C library, and the built-in network where that hears better."""

SAMPLE_RATE = 48_000
