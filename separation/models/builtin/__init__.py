"""The built-in separator's network: what it separates, the network itself, its weights."""

CLASSES = ("drums", "bass", "vocals", "piano", "guitar", "strings", "other")
SAMPLE_RATE = 44_100
