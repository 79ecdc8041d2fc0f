"""The mixer: one row per sound, with mute, solo, gain, waveform and download."""
