"""Files to samples and back: decoding, encoding, waveforms, peaks, loudness, spectrograms."""
