"""The data folder of this computer."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """Return `AUDIO_PLAYGROUND_HOME` if it is set, else `.audio-playground` in the user's home folder."""
    chosen = os.environ.get("AUDIO_PLAYGROUND_HOME")
    return Path(chosen).expanduser() if chosen else Path.home() / ".audio-playground"
