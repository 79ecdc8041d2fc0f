"""Classical source separation: time-frequency masks from physics and repetition, no learned weights.

Arrays in, arrays out. Spectra are (channels, frames, bins), powers and masks (frames, bins), both float32 or complex64.
The recipe is `classical.py`; every other file is one method with its source.
"""
