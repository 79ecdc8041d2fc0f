"""The time line of the Studio: the mixer with the waveform, and which results it plays."""
