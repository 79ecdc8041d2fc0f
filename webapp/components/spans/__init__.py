"""The layer of spans over a waveform."""
