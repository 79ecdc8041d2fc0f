"""Copying text: the function that components use (index.js), and a button that copies a given text."""

from pathlib import Path

COPYING_MODULE = {"audio-playground-copying": str(Path(__file__).parent)}  # components import index.js by this name
