"""The parts that pages are built from: one folder per element, and the audio player."""
