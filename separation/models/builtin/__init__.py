"""The built-in separator: its classes, its network and its weights."""

CLASSES = ("drums", "bass", "vocals", "piano", "guitar", "strings", "other")
SAMPLE_RATE = 44_100
