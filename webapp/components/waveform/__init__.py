"""The large waveform of a recording."""
