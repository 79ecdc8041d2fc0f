"""Where the prompted sounds are: spans painted over a waveform."""
