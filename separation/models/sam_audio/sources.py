"""Where the published SAM-Audio models come from, in the order in which the places are tried.

A person can change the order and leave places out (`use`), which is kept in the data folder. Imports no framework and
never goes online.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from separation.errors import SettingsError
from separation.hub import cache as hub
from separation.hub import remembered
from separation.hub import token as hub_token
from separation.hub.tensor_table import LENGTH_BYTES, read_table, table_length
from separation.models.sam_audio.checkpoint.files import CheckpointFiles
from separation.models.sam_audio.checkpoint.names import has_codec

MEMORY = "model_sources.json"
FOLDER = "folder"  # one that the person at this computer has named as the model
MODELS = ("small", "base", "large", "small-tv", "base-tv", "large-tv")
# The codec, which all published models share, where it is published apart from them.
CODEC = hub.Source(
    repository="audioghostai/sam-audio-shared",
    needed=("audio_codec.safetensors",),
    pinned=(("audio_codec.safetensors", "93929d357aadba28365a643cf5513dbb49e059a3045d7e8c0729108efd964a49"),),
    watched=True,
)
CODEC_NAME = "sam-audio-codec"  # by which it is fetched
CODEC_BYTES = 430_723_572


@dataclass(frozen=True, kw_only=True, slots=True)
class Publisher:
    """An account of the hub that publishes models.

    Args:
        name: by which the table of sources lists it.
        about: who made the files, and from what, in words.
        gated: access has to be granted to an account first.
        sizes_gb: the models it publishes, and the gigabytes of their files, about.
        codec_apart: whether they come without the codec, as far as that is known before they are here.
    """

    name: str
    about: str
    gated: bool
    sizes_gb: Mapping[str, float]
    codec_apart: bool = False

    def source(self, model: str) -> hub.Source:
        """Return the files of a model; its configuration comes first, weights last."""
        match self.name:
            case "facebook":
                return hub.Source(
                    repository=f"facebook/sam-audio-{model}", needed=("config.json", "checkpoint.pt"), watched=True
                )
            case "audioghostai":
                # Half precision is what is fetched; the same repository holds fp32 as well.
                return hub.Source(
                    repository=f"audioghostai/sam-audio-{model}",
                    needed=("config.json", "model.fp16.safetensors"),
                    watched=True,
                )
        return hub.Source(
            repository="AEmotionStudio/sam-audio-models",
            needed=(f"config-{model}.json", f"sam-audio-{model}-bf16.safetensors"),
            watched=True,
            shared=True,
        )


PUBLISHERS = {
    publisher.name: publisher
    for publisher in (
        Publisher(
            name="facebook",
            about="Meta's own files",
            gated=True,
            sizes_gb=dict(zip(MODELS, (5.1, 7.7, 14.9, 5.1, 7.7, 14.9), strict=True)),
        ),
        Publisher(
            name="audioghostai",
            about="a copy by audioghostai, made from Meta's files in half precision; the codec apart",
            gated=False,
            sizes_gb={"small": 0.44, "base": 1.3, "large": 5.9},
            codec_apart=True,
        ),
        Publisher(
            name="AEmotionStudio",
            about="a copy by AEmotionStudio, made from Meta's files in bfloat16",
            gated=False,
            sizes_gb={"base-tv": 1.7, "large-tv": 6.3},
        ),
    )
}
NAMES = (FOLDER, *PUBLISHERS)
WORDS = {
    FOLDER: "a folder on this computer that was named as the model",
    **{name: one.about for name, one in PUBLISHERS.items()},
}


def order() -> tuple[str, ...]:
    """Return the names of the places that are tried, in their order."""
    kept = remembered.recall(MEMORY).get("order")
    known = tuple(name for name in kept if name in NAMES) if isinstance(kept, list) else ()
    return known or NAMES


def use(names: Sequence[str]) -> None:
    """Keep which places are tried, and in which order; those not named are left out.

    Raises:
        SettingsError: a name is unknown or there twice, or there is none.
    """
    if not names or len(set(names)) < len(names) or set(names) - set(NAMES):
        raise SettingsError(
            "This is no order of sources.",
            f"It is {', '.join(names) or 'empty'}.",
            f"Name some of these, each once: {', '.join(NAMES)}.",
        )
    remembered.remember(MEMORY, {"order": list(names)})


def publishers(model: str) -> tuple[Publisher, ...]:
    """Return who publishes a model, in the order in which they are tried."""
    return tuple(PUBLISHERS[name] for name in order() if name != FOLDER and model in PUBLISHERS[name].sizes_gb)


def next_publisher(model: str) -> Publisher | None:
    """Return who a download would come from: gated files only if there is a token, and only they if nobody else."""
    tried = publishers(model)
    open_to_us = [one for one in tried if not one.gated or hub_token.origin() is not None]
    return next(iter((*open_to_us, *tried)), None)


def files_here(publisher: Publisher, model: str) -> CheckpointFiles | None:
    """Return the files of a model that came from a publisher, without the codec if that is apart; None if none are."""
    source = publisher.source(model)
    if (snapshot := hub.find_snapshot(source)) is None:
        return None
    config, *weights = source.needed
    return CheckpointFiles(
        config=snapshot / config,
        weights=tuple(snapshot / name for name in weights),
        named=f"sam-audio-{model} of {publisher.name}",
    )


def lacks_codec(files: CheckpointFiles) -> bool:
    """Whether none of the files holds the codec; a PyTorch checkpoint always does."""
    return not any(_with_codec(file, file.stat().st_mtime_ns) for file in files.weights)


@lru_cache(maxsize=64)
def _with_codec(file: Path, changed_ns: int) -> bool:
    """Whether a file that was last changed at `changed_ns` holds the codec; a damaged one is taken to."""
    if file.suffix != ".safetensors":
        return True
    n_bytes = file.stat().st_size
    try:
        with file.open("rb") as opened:
            table = opened.read(table_length(opened.read(LENGTH_BYTES), n_bytes))
        return has_codec(read_table(table, n_bytes))
    except (ValueError, LookupError, TypeError, AttributeError):
        return True  # loading it says what is wrong with it
