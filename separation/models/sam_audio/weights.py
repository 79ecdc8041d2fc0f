"""Where a SAM-Audio model lies on this computer. Imports no framework and never goes online."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from separation.errors import SettingsError
from separation.models.sam_audio.config import read_config

# Gigabytes of checkpoint.pt on the hub, most of it a vision encoder that is never read.
SIZES_GB = {"small": 5.1, "base": 7.7, "large": 14.9, "small-tv": 5.1, "base-tv": 7.7, "large-tv": 14.9}


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """A model's folder, and the text encoder it needs that is not here.

    Args:
        model: name or folder it was asked for by.
        folder: where `config.json` and the weights lie; None if they are not on this computer.
        missing_text: name of the text encoder, if that is not on this computer.
    """

    model: str
    folder: Path | None
    missing_text: str | None = None

    @property
    def repository(self) -> str:
        """Where the model is published."""
        return f"facebook/sam-audio-{self.model}"

    def fingerprint(self) -> str:
        """What tells these files from any other: names, sizes and times of change, without reading the weights."""
        assert self.folder is not None
        digest = hashlib.sha256((self.folder / "config.json").read_bytes())
        for file in sorted((*self.folder.glob("*.pt"), *self.folder.glob("*.safetensors"))):
            state = file.stat()
            digest.update(f"{file.name} {state.st_size} {state.st_mtime_ns}".encode())
        return digest.hexdigest()[:16]


def find(model: str) -> Weights:
    """The files of a published model in the hub's cache, or of a folder that `model` is the path of.

    Raises:
        SettingsError: neither a known name nor a folder.
    """
    if model in SIZES_GB:
        config = _cached(f"facebook/sam-audio-{model}", "config.json")
        checkpoint = _cached(f"facebook/sam-audio-{model}", "checkpoint.pt")
        folder = config.parent if config and checkpoint else None
    else:
        folder = Path(model).expanduser()
        if not folder.is_dir():
            raise SettingsError(
                f"There is no SAM-Audio model “{model}”.",
                "It is neither a published model nor a folder on this computer.",
                f"Choose one of: {', '.join(SIZES_GB)}; or give the folder that holds config.json and the weights.",
            )
    if folder is None:
        return Weights(model=model, folder=None)
    name = read_config(folder).text_encoder.name
    text_is_here = (folder / name).is_dir() or _cached(name, "config.json") is not None
    return Weights(model=model, folder=folder, missing_text=None if text_is_here else name)


def _cached(repository: str, file: str) -> Path | None:
    """A file of the hub's cache."""
    if importlib.util.find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import try_to_load_from_cache  # slow to import, and only needed where somebody asks

    found = try_to_load_from_cache(repository, file)
    return Path(found) if isinstance(found, str) else None
