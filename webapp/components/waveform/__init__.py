"""The large view of one recording: ruler, waveform, playhead, and a strip of its chunks."""
