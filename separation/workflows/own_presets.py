"""Presets of one's own: settings of one separator under a name, kept from a result or from what is set.

What a preset is not about (`separation.workflows.presets`) these are not about either: prompts with their spans, device
and seeds. Unlike others they belong to one separator and set nothing of another one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from separation import plain
from separation.backends import registry
from separation.errors import SettingsError
from separation.model import Backend
from separation.request import ChunkSettings, DemucsSettings, Request, SamSettings, SolverSettings, SpeechSettings
from separation.workflows import presets

MAX_NAME = 40  # letters
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnPreset:
    """Settings of one backend under a name of one's own.

    Args:
        name: as the person gave it; blanks are tidied up.
        backend: name of the backend that they were settled for.
        model: as in `Request`, like all that follow.
        chunks: see `Request`.
        solver: see `Request`.
        demucs: see `Request`.
        sam: without seeds of single chunks and “only inside +”, which belong to a recording.
        speech: see `Request`.

    Raises:
        SettingsError: the name cannot be one, or there is no such backend.
    """

    name: str
    backend: str
    model: str | None = None
    chunks: ChunkSettings | None = None
    solver: SolverSettings = field(default_factory=SolverSettings)
    demucs: DemucsSettings = field(default_factory=DemucsSettings)
    sam: SamSettings = field(default_factory=SamSettings)
    speech: SpeechSettings = field(default_factory=SpeechSettings)

    def __post_init__(self) -> None:
        name = " ".join(self.name.split())
        object.__setattr__(self, "name", name)
        if not name:
            raise SettingsError("The preset has no name.", "It is called by it.", "Give it a name.")
        if len(name) > MAX_NAME or not name.isprintable():
            raise SettingsError(
                f"“{name[:MAX_NAME]}…” cannot be the name of a preset.",
                f"It may have {MAX_NAME} letters.",
                "Choose a shorter one.",
            )
        if name.casefold() in {taken.casefold() for taken in (*presets.names(), presets.CUSTOM)}:
            raise SettingsError(
                f"There is a preset “{name}” already.", "It comes with the program.", "Choose another name."
            )
        registry.get(self.backend)

    @classmethod
    def of(cls, name: str, settled: Request) -> Self:
        """Return the settings of a settled request as a preset.

        Raises:
            SettingsError: the name cannot be one, or there is no such backend.
        """
        return cls(
            name=name,
            backend=settled.backend,
            model=settled.model,
            chunks=settled.chunks,
            solver=settled.solver,
            demucs=settled.demucs,
            sam=replace(settled.sam, rerolls=(), only_inside=False),
            speech=settled.speech,
        )

    @property
    def key(self) -> str:
        """What no two presets have in common: the name, whether in capitals or not."""
        return self.name.casefold()

    def fits(self, backend: Backend) -> bool:
        """Return whether it is a preset of this backend; those that run SAM-Audio have theirs in common."""
        return registry.asked_as(registry.get(self.backend)) == registry.asked_as(backend)

    def applied_to(self, request: Request) -> Request:
        """Return the request with these settings; one for “auto” is then for this preset's separator.

        Seeds of single chunks stay unless chunks become others.

        Raises:
            SettingsError: it is a preset of another backend than the request names.
        """
        own, asked = registry.get(self.backend), registry.named(request.backend)
        if asked is not None and not self.fits(asked):
            raise SettingsError(
                f"The preset “{self.name}” is {own.label}'s own.",
                f"It sets nothing that {asked.label} has.",
                f"Choose one of: {', '.join(asked.profile.presets or presets.GENERIC)}.",
            )
        rerolls = request.sam.rerolls if (request.chunks or ChunkSettings()) == self.chunks else ()
        return replace(
            request,
            backend=registry.asked_as(own) if asked is None else request.backend,
            model=self.model,
            chunks=self.chunks,
            solver=self.solver,
            demucs=self.demucs,
            sam=replace(self.sam, rerolls=rerolls, only_inside=request.sam.only_inside),
            speech=self.speech,
        )

    def is_in(self, settled: Request) -> bool:
        """Return whether a settled request has these settings already."""
        if not self.fits(registry.get(settled.backend)):
            return False
        return presets.settled(registry.get(settled.backend), self.applied_to(settled)) == settled

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for `from_dict`."""
        values: dict[str, Any] = plain.written(asdict(self))
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_dict` returned.

        Raises:
            SettingsError: another version wrote it, with settings that this one does not have.
        """
        return plain.built(cls, values)


def presets_of(stored: Iterable[Mapping[str, Any]]) -> Iterator[OwnPreset]:
    """Yield the presets of what a store keeps; what this version cannot read is passed over, and logged."""
    for values in stored:
        try:
            yield OwnPreset.from_dict(values)
        except SettingsError as error:
            log.warning("a preset is passed over: %s", error)


def apply_named(name: str, request: Request, own: Iterable[OwnPreset]) -> Request:
    """Return `request` with the values of the preset of that name, one that comes with the program or one's own.

    Args:
        name: of the preset.
        request: the settings.
        own: the person's presets; read only if the name is no other's.

    Raises:
        SettingsError: there is no such preset, or it is another backend's; it lists those there are.
    """
    if name in presets.names():
        return presets.apply(name, request)
    known = {preset.key: preset for preset in own}
    wanted = known.get(" ".join(name.split()).casefold())
    if wanted is None:
        there_are = (*presets.names(), *(preset.name for preset in known.values()))
        raise SettingsError(f"There is no preset “{name}”.", "", f"Choose one of: {', '.join(there_are)}.")
    return wanted.applied_to(request)
