"""Finds the files of a SAM-Audio model on this computer. Imports no framework and never goes online."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from separation.errors import SettingsError
from separation.hub import cache as hub
from separation.hub import compared
from separation.models import folders
from separation.models.sam_audio.config import read_config

# Gigabytes of checkpoint.pt on the hub, most of it a vision encoder that is never read.
SIZES_GB = {"small": 5.1, "base": 7.7, "large": 14.9, "small-tv": 5.1, "base-tv": 7.7, "large-tv": 14.9}
# The text encoder that the published models name; its repository holds the decoder too, which is fetched and not read.
TEXT_ENCODER = hub.Source(
    repository="t5-base",
    needed=("config.json", "model.safetensors", "tokenizer.json"),
    also=("tokenizer_config.json", "special_tokens_map.json", "spiece.model", "generation_config.json"),
)
TEXT_ENCODER_GB = 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class SamAudioWeights:
    """A model's folder, and its text encoder if that is missing.

    Args:
        model: name, or name or path of a folder, that it was asked for by.
        folder: where `config.json` and the weights lie; None if they are not on this computer.
        missing_text: name of the text encoder, if that is not on this computer.
        damaged: a file that keeps either from being used, because it is not what was published.
    """

    model: str
    folder: Path | None
    missing_text: str | None = None
    damaged: Path | None = None

    @property
    def repository(self) -> str:
        """Where the model is published."""
        return source(self.model).repository

    @property
    def usable(self) -> bool:
        """True when nothing has to be fetched."""
        return self.folder is not None and self.missing_text is None

    def how_to_get(self) -> str:
        """Return sentences that say how to get the missing files."""
        if self.damaged is not None:
            name = self.missing_text if self.folder is not None else f"sam-audio-{self.model}"
            return str(compared.damaged(self.damaged, str(name), again(str(name))))
        if self.folder is None:
            return (
                f"SAM-Audio {self.model} ({SIZES_GB[self.model]} GB) is not on this computer. Its weights are gated. "
                f"{hub.how_to_get_access(self.repository)}; then run "
                f"“audio-playground models download sam-audio-{self.model}”."
            )
        if self.missing_text == TEXT_ENCODER.repository:
            return (
                f"The text encoder “{self.missing_text}” ({TEXT_ENCODER_GB} GB, free, not gated) is not on this "
                "computer; SAM-Audio's own files do not contain it. Run "
                f"“audio-playground models download {self.missing_text}”."
            )
        return (
            f"The text encoder “{self.missing_text}” that config.json names is not on this computer. "
            f"Put its files into {self.folder / str(self.missing_text)}."
        )

    def fingerprint(self) -> str:
        """Return an identifier of the files by names, sizes and times of change, without reading the weights."""
        assert self.folder is not None
        digest = hashlib.sha256((self.folder / "config.json").read_bytes())
        for file in sorted((*self.folder.glob("*.pt"), *self.folder.glob("*.safetensors"))):
            state = file.stat()
            digest.update(f"{file.name} {state.st_size} {state.st_mtime_ns}".encode())
        return digest.hexdigest()[:16]


def find_sam_audio(model: str) -> SamAudioWeights:
    """The files of a published model in the hub's cache, or of a folder that the person at this computer has named.

    Raises:
        SettingsError: neither a known name nor such a folder.
    """
    if model in SIZES_GB:
        folder = hub.find_snapshot(source(model))
        if folder is not None and not compared.is_whole(folder / "config.json"):  # it is read long before the weights
            folder = None
    else:
        folder = folders.find_folder(model)
        if folder is None or not folder.is_dir():
            raise SettingsError(
                f"There is no SAM-Audio model “{model}”.",
                "It is neither a published model nor a folder of models that was named on this computer.",
                f"Choose one of: {', '.join((*SIZES_GB, *folders.names()))}. To name the folder that holds config.json "
                f"and the weights, start with --model-folder NAME=FOLDER, or put NAME=FOLDER into {folders.VARIABLE}.",
            )
    if folder is None:
        damaged = hub.damaged_files(source(model).repository)
        return SamAudioWeights(model=model, folder=None, damaged=next(iter(damaged), None))
    name = read_config(folder).text_encoder.name
    if (folder / name).is_dir() or _text_encoder_is_cached(name):
        return SamAudioWeights(model=model, folder=folder)
    return SamAudioWeights(
        model=model, folder=folder, missing_text=name, damaged=next(iter(hub.damaged_files(name)), None)
    )


def files_of(weights: SamAudioWeights) -> dict[str, tuple[Path, ...]]:
    """Return the files of a usable model and of its text encoder, by the names under which they are downloaded.

    Those of a folder that a person has named are their own: of these, nobody knows what was published.
    """
    assert weights.folder is not None
    found = {}
    if weights.model in SIZES_GB:
        found[f"sam-audio-{weights.model}"] = hub.files_in_cache(source(weights.model))
    name = read_config(weights.folder).text_encoder.name
    if not (weights.folder / name).is_dir():
        also = (*TEXT_ENCODER.also, "pytorch_model.bin")  # of another program
        found[name] = hub.files_in_cache(replace(TEXT_ENCODER, repository=name, also=also))
    return found


def again(name: str) -> str:
    """Return the sentence that says how to get a damaged model again."""
    return f"Download it again: “audio-playground models download {name}”."


def source(model: str) -> hub.Source:
    """Return the hub files of a published model, without its text encoder."""
    return hub.Source(repository=f"facebook/sam-audio-{model}", needed=("config.json", "checkpoint.pt"))


def _text_encoder_is_cached(name: str) -> bool:
    # Another program may have fetched other formats of it than we would.
    weights = any(hub.cached(name, file) for file in ("model.safetensors", "pytorch_model.bin"))
    tokenizer = any(hub.cached(name, file) for file in ("tokenizer.json", "spiece.model"))
    return weights and tokenizer and hub.cached(name, "config.json") is not None
