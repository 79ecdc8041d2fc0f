"""Every model with weights to fetch: what it is, whether it is on this computer, getting it, deleting it.

What a page and `audio-playground models` show. Imports no framework; only `download` goes online.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from separation.backends import demucs
from separation.errors import SettingsError
from separation.events import Event, ModelLoading
from separation.hub import cache as hub
from separation.models.demucs import download as demucs_download
from separation.models.demucs import weights as demucs_weights
from separation.models.sam_audio import weights as sam_weights

DEMUCS, SAM_AUDIO = "demucs", "sam-audio"
TEXT_ENCODER = sam_weights.TEXT_ENCODER.repository
SAM_LICENCE = "SAM Licence (Meta)"


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedModel:
    """One model to fetch.

    Args:
        name: what the terminal calls it; unique.
        backend: the backend or family it belongs to, as in `Request.backend`.
        model: its name in `Request.model`; None for a part of other models.
        label: what people read.
        size_bytes: of the download, about.
        licence: of the weights.
        gated: access has to be granted to an account first.
        repository: where it is published.
        on_disk_bytes: what it takes up on this computer; None unless all of it is there.
        partial_bytes: what is kept of a download that has not finished.
        needs: names of other entries it does not work without.
        path: the folder its files lie in; None unless all of it is there.
    """

    name: str
    backend: str
    model: str | None
    label: str
    size_bytes: int
    licence: str
    gated: bool
    repository: str
    on_disk_bytes: int | None
    partial_bytes: int
    needs: tuple[str, ...]
    path: Path | None


def entries() -> tuple[PublishedModel, ...]:
    """All models, each family's default first."""
    sam = (_sam_audio(model) for model in sam_weights.SIZES_GB)
    return (*(_demucs(model) for model in demucs.SIZES_MB), *sam, _text_encoder())


def entry(name: str) -> PublishedModel:
    """One model.

    Raises:
        SettingsError: there is none of that name; the message lists those there are.
    """
    known = {one.name: one for one in entries()}
    if name not in known:
        raise SettingsError(
            f"There is no model “{name}” to fetch or remove.",
            "Folders of models are yours: they are used where they are, and never changed.",
            f"Choose one of: {', '.join(known)}.",
        )
    return known[name]


def download(name: str) -> Generator[Event, None, None]:
    """Fetch a model and whatever it needs, as far as they are not on this computer, reporting `ModelLoading`.

    Closing the generator stops the download; what arrived is kept, and the next call goes on from there.

    Raises:
        SettingsError: there is no such model.
        WeightsMissing: it is gated, and access has not been granted; the message says how to get it.
        BackendUnavailable: the server cannot be reached, refuses, sent a damaged file, or the disk is full.
    """
    wanted = entry(name)
    for one in (wanted, *map(entry, wanted.needs)):
        if one.on_disk_bytes is not None:
            yield ModelLoading(model=one.name, done_bytes=one.on_disk_bytes, total_bytes=one.on_disk_bytes)
        elif one.backend == DEMUCS:
            yield from demucs_download.fetch(str(one.model))
        elif one.model is None:
            yield from hub.download(sam_weights.TEXT_ENCODER, one.name)
        else:
            yield from hub.download(sam_weights.source(one.model), one.name, gated=True)


def remove(name: str) -> int:
    """Delete a model from this computer, half-finished downloads too; returns the bytes freed.

    What it needs stays, since others may need it as well.

    Raises:
        SettingsError: there is no such model; folders that a person named are never touched.
    """
    one = entry(name)
    return demucs_download.remove(str(one.model)) if one.backend == DEMUCS else hub.remove(one.repository)


def _demucs(model: str) -> PublishedModel:
    folder, n_bytes = None, 0
    if demucs_weights.published_bags():  # without the package nobody knows which files are the model's
        weights = demucs_weights.find_demucs(model)
        folder = None if weights.missing else weights.paths[0].parent
        n_bytes = demucs_download.on_disk(model)
    return PublishedModel(
        name=model,
        backend=DEMUCS,
        model=model,
        label=f"Demucs {model}",
        size_bytes=demucs.SIZES_MB[model] * 10**6,
        licence=demucs.LICENCE,
        gated=False,
        repository=demucs_weights.LEGACY_ROOT_URL,
        on_disk_bytes=None if folder is None else n_bytes,
        partial_bytes=n_bytes if folder is None else 0,
        needs=(),
        path=folder,
    )


def _sam_audio(model: str) -> PublishedModel:
    source = sam_weights.source(model)
    path, n_bytes = hub.find_snapshot(source), hub.on_disk(source.repository)
    return PublishedModel(
        name=f"sam-audio-{model}",
        backend=SAM_AUDIO,
        model=model,
        label=f"SAM-Audio {model}",
        size_bytes=round(sam_weights.SIZES_GB[model] * 10**9),
        licence=SAM_LICENCE,
        gated=True,
        repository=source.repository,
        on_disk_bytes=None if path is None else n_bytes,
        partial_bytes=n_bytes if path is None else 0,
        needs=(TEXT_ENCODER,),
        path=path,
    )


def _text_encoder() -> PublishedModel:
    path, n_bytes = hub.find_snapshot(sam_weights.TEXT_ENCODER), hub.on_disk(TEXT_ENCODER)
    return PublishedModel(
        name=TEXT_ENCODER,
        backend=SAM_AUDIO,
        model=None,
        label="T5-base, the text encoder of SAM-Audio",
        size_bytes=round(sam_weights.TEXT_ENCODER_GB * 10**9),
        licence="Apache 2.0",
        gated=False,
        repository=TEXT_ENCODER,
        on_disk_bytes=None if path is None else n_bytes,
        partial_bytes=n_bytes if path is None else 0,
        needs=(),
        path=path,
    )
