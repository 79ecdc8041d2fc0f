"""Where this computer keeps the studio's data."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """`AUDIO_PLAYGROUND_HOME` if it is set, else `.audio-playground` in the person's home folder."""
    chosen = os.environ.get("AUDIO_PLAYGROUND_HOME")
    return Path(chosen).expanduser() if chosen else Path.home() / ".audio-playground"
