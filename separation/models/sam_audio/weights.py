"""Finds the files of a SAM-Audio model on this computer. Imports no framework and never goes online."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from separation.errors import Action, SettingsError
from separation.hub import account, compared
from separation.hub import cache as hub
from separation.models import folders
from separation.models.sam_audio import sources, text_encoder
from separation.models.sam_audio.checkpoint.files import CheckpointFiles, checkpoint_files
from separation.models.sam_audio.config import read_config
from separation.models.sam_audio.sources import CODEC_NAME


@dataclass(frozen=True, kw_only=True, slots=True)
class SamAudioWeights:
    """The files of a model, and what is missing of them.

    Args:
        model: name, or name or path of a folder, that it was asked for by.
        files: its configuration and weights, with the codec if that is apart and here; None if they are not here.
        source: the place of `sources` that they are from; "" for a folder that is no published model.
        missing_codec: whether the codec, which is apart from these weights, is not on this computer.
        missing_text: name of the text encoder, if that is not on this computer.
        damaged: a file that keeps any of them from being used, because it is not what was published.
    """

    model: str
    files: CheckpointFiles | None
    source: str = ""
    missing_codec: bool = False
    missing_text: str | None = None
    damaged: Path | None = None

    @property
    def folder(self) -> Path | None:
        """Where the configuration lies; None if the model is not on this computer."""
        return None if self.files is None else self.files.config.parent

    @property
    def usable(self) -> bool:
        """True when nothing has to be fetched."""
        return self.files is not None and self.missing_text is None and not self.missing_codec

    def how_to_get(self) -> tuple[str, Action | None]:
        """Return sentences on the missing files, and what gets them."""
        name = f"sam-audio-{self.model}"
        if self.damaged is not None:
            apart = self.missing_text if self.missing_text is not None else CODEC_NAME if self.missing_codec else name
            found = compared.damaged(self.damaged, apart)
            return found.message, found.action
        if self.files is None:
            return _how_to_get(self.model)
        if self.missing_codec:
            sentence = (
                f"The codec of SAM-Audio ({sources.CODEC_BYTES / 1e9:.1f} GB, not gated) is not on this computer; the "
                f"files of {self.model} do not contain it."
            )
            return sentence, Action.download(CODEC_NAME)
        if self.missing_text == text_encoder.NAME:
            sentence = (
                f"The text encoder “{self.missing_text}” ({text_encoder.SIZE_GB} GB, free, not gated) is not on this "
                "computer; SAM-Audio's own files do not contain it."
            )
            return sentence, Action.download(self.missing_text)
        sentence = (
            f"The text encoder “{self.missing_text}” that config.json names is not on this computer. "
            f"Put its files into {self.files.config.parent / str(self.missing_text)}."
        )
        return sentence, None

    def fingerprint(self) -> str:
        """Return an identifier of the files by names, sizes and times of change, without reading the weights."""
        assert self.files is not None
        digest = hashlib.sha256(self.files.config.read_bytes())
        for file in sorted(self.files.weights, key=lambda file: file.name):
            state = file.stat()
            digest.update(f"{file.name} {state.st_size} {state.st_mtime_ns}".encode())
        return digest.hexdigest()[:16]


def find_sam_audio(model: str) -> SamAudioWeights:
    """The files of a published model, from the first source that has them, or of a folder that the person named.

    Raises:
        SettingsError: neither a known name nor such a folder.
        WeightsMissing, BackendUnavailable: there is such a folder, and no model in it.
    """
    if model not in sources.MODELS:
        folder = folders.find_folder(model)
        if folder is None or not folder.is_dir():
            raise SettingsError(
                f"There is no SAM-Audio model “{model}”.",
                "It is neither a published model nor a folder of models that was named on this computer.",
                f"Choose one of: {', '.join((*sources.MODELS, *folders.names()))}. To name the folder that holds "
                f"config.json and the weights, put NAME=FOLDER into {folders.VARIABLE}.",
                action=Action.name_folder(),
            )
        return _complete(SamAudioWeights(model=model, files=checkpoint_files(folder)))
    damaged: Path | None = None
    for place in sources.order():
        if place == sources.FOLDER:
            files = _named_folder(model)
        elif model in sources.PUBLISHERS[place].sizes_gb:
            publisher = sources.PUBLISHERS[place]
            files = sources.files_here(publisher, model)
            if files is not None and not compared.is_whole(files.config):  # it is read long before the weights
                files = None
            if files is None:
                damaged = damaged or next(iter(_damaged_of(publisher.source(model))), None)
        else:
            continue
        if files is not None:
            return _complete(SamAudioWeights(model=model, files=files, source=place))
    return SamAudioWeights(model=model, files=None, damaged=damaged)


def files_of(weights: SamAudioWeights) -> dict[str, tuple[Path, ...]]:
    """Return the files of a usable model and of its parts, by the names under which they are downloaded.

    Those of a folder that a person has named are their own: of these, nobody knows what was published.
    """
    assert weights.files is not None
    found = {}
    if weights.source not in ("", sources.FOLDER):
        publisher = sources.PUBLISHERS[weights.source]
        found[f"sam-audio-{weights.model}"] = hub.files_in_cache(publisher.source(weights.model))
    if (codec := hub.files_in_cache(sources.CODEC)) and codec[0] in weights.files.weights:
        found[CODEC_NAME] = codec
    name = read_config(weights.files.config).text_encoder.name
    if files := text_encoder.files_of(name, weights.files.config.parent):
        found[name] = files
    return found


def _complete(found: SamAudioWeights) -> SamAudioWeights:
    """Return a model with its codec, if that is apart, and with what of codec and text encoder is not here."""
    assert found.files is not None
    files, missing_codec = found.files, False
    damaged: tuple[Path, ...] = ()
    if sources.lacks_codec(files):
        codec = hub.find_snapshot(sources.CODEC)
        missing_codec, damaged = codec is None, hub.damaged_files(sources.CODEC.repository)
        if codec is not None:
            files = replace(files, weights=(*files.weights, codec / sources.CODEC.needed[0]))
    name = read_config(files.config).text_encoder.name
    missing_text = None if text_encoder.find(name, files.config.parent) is not None else name
    if missing_text is not None:
        damaged = text_encoder.damaged(name)
    return replace(
        found,
        files=files,
        missing_codec=missing_codec,
        missing_text=missing_text,
        damaged=next(iter(damaged), None) if missing_codec or missing_text else None,
    )


def _named_folder(model: str) -> CheckpointFiles | None:
    """Return the files of a folder that the person at this computer has named as a published model."""
    folder = folders.find_folder(model) or folders.find_folder(f"sam-audio-{model}")
    return checkpoint_files(folder) if folder is not None and folder.is_dir() else None


def _damaged_of(source: hub.Source) -> tuple[Path, ...]:
    return tuple(file for file in hub.files_in_cache(source) if compared.is_damaged(file))


def _how_to_get(model: str) -> tuple[str, Action]:
    publisher = sources.next_publisher(model)
    if publisher is None:
        sentence = f"SAM-Audio {model} is not on this computer, and none of the sources that are chosen has it."
        return sentence, Action.choose_sources()
    apart_gb = sources.CODEC_BYTES / 1e9 + text_encoder.SIZE_GB if publisher.codec_apart else 0.0
    n_gb = round(publisher.sizes_gb[model] + apart_gb, 1)
    absent, name = f"SAM-Audio {model} ({n_gb} GB) is not on this computer.", f"sam-audio-{model}"
    if publisher.gated:
        steps = account.how_to_get_access(publisher.source(model).repository)
        return f"{absent} Its weights are gated. {steps}", Action.sign_in(name)
    return f"{absent} It can be had without an account, as {publisher.about}.", Action.download(name)
