"""The mixer settings of each recording and its saved mixes, for the hosts and each guest, written at every change.

A page reads the mixer settings when it opens. Pages that are open already keep their own faders: two people, or
two tabs, may listen to different sounds at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self, TypedDict

from nicegui import Event as PageEvent

from separation.prompts.targets import RESIDUAL, residual_stem
from storage.records import DraftTable
from webapp.access.roles import HOST
from webapp.access.sessions import Session

MIXTURE = ""  # the recording among the sounds; no prompt is called so
MIXER = "mixer"  # the part beside a recording's draft
MAX_SAVED = 50
MAX_NAME = 60  # letters
GAIN_DB = (-60.0, 6.0)  # the ends of a fader; the lower one is silence
log = logging.getLogger(__name__)


class Fader(TypedDict):
    """The mixer settings of one track."""

    gain_db: float
    muted: bool
    solo: bool
    pan: float


def level_of(mix: Mapping[str, Any]) -> Fader:
    """Return the settings of a track from a browser or a file, limited to the range of the controls.

    Raises:
        KeyError, TypeError, ValueError: a setting is missing or is no number.
    """
    gain_db = min(max(float(mix["gain_db"]), GAIN_DB[0]), GAIN_DB[1])
    pan = min(max(float(mix["pan"]), -1.0), 1.0)
    return Fader(gain_db=gain_db, muted=bool(mix["muted"]), solo=bool(mix["solo"]), pan=pan)


PLAIN = Fader(gain_db=0.0, muted=False, solo=False, pan=0.0)
SILENT = Fader(gain_db=0.0, muted=True, solo=False, pan=0.0)
Levels = Mapping[str, Fader]  # by the name of the sound


@dataclass(frozen=True, kw_only=True, slots=True)
class MixerState:
    """The mixer of one recording.

    Args:
        levels: the settings of its tracks after the last change.
        saved: the saved mixes by the names people gave them.
        result: the key of the result that was chosen to play, "" for the newest.
        other: the key of the result beside it on side B, "" for none.
        newest: the key of the newest result at that time; once there is a newer one, the choice does not count.
    """

    levels: Levels = field(default_factory=dict)
    saved: Mapping[str, Levels] = field(default_factory=dict)
    result: str = ""
    other: str = ""
    newest: str = ""

    def with_mix(self, changes: Iterable[tuple[str, Mapping[str, Any]]], shown: Levels) -> MixerState:
        """Return the state with a few settings changed; others keep what they have, whichever page has set them.

        Args:
            changes: the names of sounds, each with those settings that have changed.
            shown: the settings of the page's sounds, for those that have none here yet.

        Raises:
            TypeError, ValueError: a setting is no number.
        """
        levels = dict(self.levels)
        for sound, change in changes:
            levels[sound] = level_of({**(levels.get(sound) or shown[sound]), **change})
        return replace(self, levels=levels)

    def with_saved(self, name: str, levels: Levels) -> MixerState:
        """Return the state with a saved mix, replacing one of that name; beyond 50 the oldest is dropped."""
        name = " ".join(name.split())[:MAX_NAME]
        if not name:
            return self
        others = {other: kept for other, kept in self.saved.items() if other != name}
        return replace(self, saved=dict([*others.items(), (name, dict(levels))][-MAX_SAVED:]))

    def without_saved(self, name: str) -> MixerState:
        """Return the state without one saved mix."""
        return replace(self, saved={other: kept for other, kept in self.saved.items() if other != name})

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON values; `from_dict` reads them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the state that `to_dict` described.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: the values are not those of a mixer.
        """
        return cls(
            levels=_levels(values["levels"]),
            saved={str(name): _levels(levels) for name, levels in values["saved"].items()},
            **{name: str(values[name]) for name in ("result", "other", "newest")},
        )


def _levels(values: Mapping[str, Any]) -> Levels:
    return {str(sound): level_of(level) for sound, level in values.items()}


def usual_mixes(sounds: Sequence[str]) -> dict[str, Levels]:
    """Return the usual mixes of these tracks of a result, of which the recording itself is one."""
    rests = [name for name in sounds if name == RESIDUAL or name.startswith(residual_stem(""))]
    targets = [name for name in sounds if name not in rests]
    audible: dict[str, set[str]] = {}
    if not any(residual_stem(name) in rests for name in targets):  # else each pair is all there is, and all is too much
        audible["All"] = set(sounds)
    audible["Only the isolated sounds" if len(targets) > 1 else f"Only {''.join(targets)}"] = set(targets)
    for name in targets:
        own = residual_stem(name)
        audible[f"Without {name}"] = {own} if own in rests else {*sounds} - {name}
    if RESIDUAL in rests:
        audible[f"Only {RESIDUAL}"] = {RESIDUAL}
    audible["Recording"] = {MIXTURE}
    mixes: dict[str, Levels] = {}
    for label, names in audible.items():
        levels = {name: PLAIN if name in names else SILENT for name in (MIXTURE, *sounds)}
        if names and levels not in mixes.values():
            mixes[label] = levels
    return mixes


class Mixers:
    """The mixer states of all recordings on this server; use it on the event loop only.

    Attributes:
        saved: is emitted with the key of a recording when its saved mixes have changed.
    """

    def __init__(self, book: DraftTable) -> None:
        self.saved: PageEvent[str] = PageEvent()
        self._book, self._person = book, HOST
        self._known: dict[tuple[str, str], MixerState] = {}  # by recording and person

    def seen_by(self, visitor: Session) -> Mixers:
        """Return the mixer states of a visitor: hosts share theirs, and each guest has mixes of their own."""
        mixers = copy(self)
        (mixers._person,) = visitor.people
        return mixers

    def of(self, recording: str) -> MixerState:
        """Return the mixer's state of a recording."""
        own = (recording, self._person)
        if own not in self._known:
            self._known[own] = MixerState()
            if (values := self._book.read(recording, self._part)) is not None:
                try:
                    self._known[own] = MixerState.from_dict(values)
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    log.warning("the mixer of %s is passed over: %s", recording, error)
        return self._known[own]

    def change(self, recording: str, edit: Callable[[MixerState], MixerState]) -> MixerState:
        """Apply a change to the present state of a recording's mixer and return the new one.

        Raises:
            StorageError: the state cannot be stored; it is remembered until the server ends all the same.
        """
        before = self.of(recording)
        after = self._known[recording, self._person] = edit(before)
        if after.saved != before.saved:
            self.saved.emit(recording)
        if after != before:
            self._book.write(recording, after.to_dict(), self._part)
        return after

    @property
    def _part(self) -> str:
        return MIXER if self._person == HOST else f"{MIXER}-{self._person}"

    def keep_only(self, recordings: Collection[str]) -> None:
        """Delete the mixers of all recordings but these, whose keys are given: those that are here or in the trash.

        Raises:
            StorageError: the mixers cannot be read or written.
        """
        self._book.keep_only(recordings)
        for own in [own for own in self._known if own[0] not in recordings]:
            del self._known[own]
