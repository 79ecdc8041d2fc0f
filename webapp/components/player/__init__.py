"""The audio engine of all pages, and the tracks it plays."""

from pathlib import Path

PLAYER_MODULE = {"audio-playground-player": str(Path(__file__).parent)}  # what components name to import the engine
