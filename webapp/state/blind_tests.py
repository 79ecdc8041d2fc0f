"""The blind tests of this studio: made, taken by listeners, closed, and deleted; which sound X is stays in here."""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from nicegui import Event

from separation.audio.files import private, writing
from separation.comparing.blind_test import BlindSide, BlindTest, Kind, Listener
from separation.comparing.heard import HeardTrack
from separation.comparing.kept_sides import keep_sides, trial_wavs
from separation.comparing.passages import loudest_passages
from separation.comparing.plans import draw_plan
from separation.comparing.trials import Answer
from separation.comparing.webmushra.answers import listeners_of
from separation.errors import PlaygroundError, SettingsError
from storage import Artifact, ArtifactStore, StorageError
from storage.records import BlindTestTable
from storage.records.jobs import utc_now

LONGEST_NAME = 40
MOST_LISTENERS = 500  # of one test
MOST_PREPARED = 40  # listeners whose sounds are on the disk at once, about 25 MB each
GONE = SettingsError(
    "There is no such listening test.", "It was deleted, or the link is not complete.", "Ask for the link again."
)
FULL = SettingsError(
    "This test is full.", f"It has {MOST_LISTENERS} listeners.", "Ask for another test with the same sounds."
)
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedSide:
    """A sound that is to be compared: what is heard of it, and what people call it; see `BlindSide`."""

    heard: Sequence[HeardTrack]
    name: str
    settings: tuple[str, ...] = ()
    source: str = ""
    run_s: float = 0.0
    made_with: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewTest:
    """What a person decides of a test before it begins; see `BlindTest`."""

    kind: Kind
    recording: str
    recording_name: str
    stem: str
    sides: tuple[ComparedSide, ...]
    start_s: float
    end_s: float
    n_trials: int
    guided: bool = True
    reference: int = 0


@dataclass(frozen=True, slots=True)
class PreparedTrial:
    """The sounds of one listener's present trial: the random address of each, by its name."""

    index: int
    addresses: Mapping[str, str]


class Chance(Protocol):
    """Where what nobody may foresee is drawn from; the module `secrets` is one."""

    def randbelow(self, exclusive_upper_bound: int, /) -> int:
        """Return a number from 0 to below the bound, each equally likely."""
        ...

    def token_urlsafe(self, nbytes: int, /) -> str:
        """Return a text for an address that is made of so many random bytes."""
        ...


class BlindTests:
    """Makes tests, and lets listeners take them. All methods may be called from any thread; some read and write files.

    Args:
        store: keeps the samples of the sides.
        table: keeps tests and answers.
        chance: draws plans, keys and addresses; only a test of this program gives another one.

    Attributes:
        changed: is emitted with a test's id when it or its answers have changed.
    """

    def __init__(self, store: ArtifactStore, table: BlindTestTable, chance: Chance = secrets) -> None:
        self.changed: Event[str] = Event()
        self._store, self._table, self._chance = store, table, chance
        self._prepared: dict[tuple[str, str], PreparedTrial] = {}
        self._lock = threading.RLock()
        self._open = ExitStack()
        self._folder: Path | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Remember the event loop on which pages are told of changes; called on it."""
        self._loop = asyncio.get_running_loop()

    # tests

    def create(self, new: NewTest) -> BlindTest:
        """Make a test: cut, match and keep its sounds, and write it down.

        Raises:
            SettingsError: it cannot be such a test.
            AudioError, StorageError: a file is gone, or there is no room.
        """
        rated = new.kind is Kind.RATING
        passages_s: tuple[tuple[float, float], ...] = ()
        if rated:
            passages_s = loudest_passages(new.sides[new.reference].heard, new.start_s, new.end_s, new.n_trials)
        test = BlindTest(
            id=uuid4().hex[:8],
            key=self._chance.token_urlsafe(16),
            kind=new.kind,
            recording=new.recording,
            recording_name=new.recording_name,
            stem=new.stem,
            sides=tuple(
                BlindSide(
                    name=side.name,
                    settings=side.settings,
                    source=side.source,
                    run_s=side.run_s,
                    made_with=side.made_with,
                )
                for side in new.sides
            ),
            start_s=new.start_s,
            end_s=new.end_s,
            n_trials=len(passages_s) or new.n_trials,
            sounds="",
            guided=new.guided,
            created=utc_now(),
            reference=new.reference,
            passages_s=passages_s,
        )
        kept = keep_sides(
            test.id,
            test.recording,
            [side.heard for side in new.sides],
            test.passages,
            self._store,
            reference=test.reference if rated else None,
        )
        self._store.pin(kept.key)
        sides = (
            replace(side, gain_db=match.gain_db, note=match.note)
            for side, match in zip(test.sides, kept.matched, strict=True)
        )
        test = replace(test, sounds=kept.key, sides=tuple(sides))
        self._write(test)
        return test

    def all(self) -> list[BlindTest]:
        """Return all tests, newest first."""
        tests = [test for values in self._table.tests() if (test := _test_of(values)) is not None]
        return sorted(tests, key=lambda test: test.created, reverse=True)

    def get(self, test_id: str) -> BlindTest | None:
        """Return a test, or None."""
        values = self._table.test(test_id)
        return None if values is None else _test_of(values)

    def listeners(self, test: BlindTest) -> list[Listener]:
        """Return the listeners of a test, in the order in which they came."""
        found = [one for values in self._table.listeners(test.id) if (one := _listener_of(values)) is not None]
        return sorted(found, key=lambda one: one.created)

    def sounds_of(self, test: BlindTest) -> Artifact:
        """Return what is kept of a test's sides.

        Raises:
            StorageError: it is gone.
        """
        item = self._store.get(test.sounds)
        if item is None:
            raise StorageError(
                "The sounds of this test are gone.",
                "They were deleted, or their files are damaged.",
                "Make a new test.",
            )
        return item

    def mark_seen(self, test: BlindTest) -> BlindTest:
        """Note that the results of a test were shown; whoever opens it again after that is known to have seen them."""
        if test.seen:
            return test
        return self._write(replace(test, seen=utc_now()))

    def close_test(self, test: BlindTest) -> BlindTest:
        """Take no more answers."""
        return self._write(replace(test, closed=utc_now()))

    def reopen(self, test: BlindTest) -> BlindTest:
        """Take answers again; it is marked if the results had been seen."""
        return self._write(replace(test, closed="", reopened=test.reopened or bool(test.seen)))

    def delete(self, test: BlindTest) -> None:
        """Delete a test, its answers and its sounds."""
        self._table.remove_test(test.id)
        self._store.pin(test.sounds, False)
        self._store.remove(test.sounds)
        self._forget(test.id)
        self._tell(test.id)

    # listeners

    def opened(self, test_id: str, key: str) -> BlindTest:
        """Return the test that a link opens.

        Raises:
            SettingsError: there is none, or the key is not its key.
        """
        test = self.get(test_id)
        if test is None or not secrets.compare_digest(test.key.encode(), key.encode()):
            raise GONE
        return test

    def join(self, test: BlindTest, name: str, checks: Mapping[str, bool]) -> Listener:
        """Begin a listener's set, whose plan is drawn now.

        Raises:
            SettingsError: the test is closed, or has as many listeners as it can have.
        """
        if test.closed:
            raise SettingsError("This test is closed.", "It takes no more answers.", "Ask whoever sent the link.")
        if len(self._table.listeners(test.id)) >= MOST_LISTENERS:
            raise FULL
        listener = Listener(
            id=self._chance.token_urlsafe(24),
            name=" ".join(name.split())[:LONGEST_NAME] or "No name",
            plan=draw_plan(test, self._chance.randbelow),
            created=utc_now(),
            checks=checks,
        )
        self._table.write_listener(test.id, listener.id, listener.to_dict())
        self._tell(test.id)
        return listener

    def add_answers(self, test: BlindTest, text: str) -> int:
        """Add the listeners of a results file of webMUSHRA to a test, and return how many it has.

        Raises:
            SettingsError: it is no such file, one of another test, or the test would have too many listeners.
            StorageError: they could not be written down.
        """
        listeners = listeners_of(test, text, utc_now())
        known = {one.id for one in self.listeners(test)}
        if len(known | {one.id for one in listeners}) > MOST_LISTENERS:
            raise FULL
        for listener in listeners:
            self._table.write_listener(test.id, listener.id, listener.to_dict())
        self._tell(test.id)
        return len(listeners)

    def listener(self, test_id: str, token: str) -> tuple[BlindTest, Listener]:
        """Return a test and the listener whose token it is.

        Raises:
            SettingsError: there is no such test or listener.
        """
        test, values = self.get(test_id), self._table.listener(test_id, token)
        listener = None if values is None else _listener_of(values)
        if test is None or listener is None:
            raise GONE
        return test, listener

    def answer(self, test: BlindTest, listener: Listener, index: int, said: Answer) -> Listener:
        """Write an answer down; from then on it outlives a kill. The same answer again changes nothing.

        Raises:
            SettingsError: the test is closed, or that trial is not the next one.
        """
        if test.closed:
            raise SettingsError("This test is closed.", "It takes no more answers.", "Ask whoever sent the link.")
        values = self._table.change_listener(
            test.id, listener.id, lambda before: Listener.from_dict(before).answering(index, said, utc_now()).to_dict()
        )
        answered = Listener.from_dict(values)
        if answered.complete:
            self._forget(test.id, answered.id)
        self._tell(test.id)
        return answered

    def prepare(self, test: BlindTest, listener: Listener) -> PreparedTrial:
        """Render the sounds of the listener's next trial, each with dither of its own, under new random addresses.

        Whoever asks again gets the same sounds: rendering takes time, and of many renderings the dither could be
        averaged away.

        Raises:
            SettingsError: there is no next trial, or the test was deleted meanwhile.
            StorageError, AudioError: the sounds are gone, or there is no room.
        """
        trial, index = listener.next_trial, len(listener.answers)
        if trial is None:
            raise SettingsError("Everything is answered.", "There is no further trial.", "")
        if (prepared := self._prepared_at(test, listener, index)) is not None:
            return prepared
        wavs = trial_wavs(self.sounds_of(test), trial)
        with self._lock:
            # Rendering takes a while, in which another tab may have asked, or answered, or the test was deleted.
            if (prepared := self._prepared_at(test, listener, index)) is not None:
                return prepared
            _, now = self.listener(test.id, listener.id)
            if len(now.answers) == index:
                return self._put(test, listener, index, wavs)
        return self.prepare(test, now)

    def _prepared_at(self, test: BlindTest, listener: Listener, index: int) -> PreparedTrial | None:
        prepared = self._prepared.get((test.id, listener.id))
        return prepared if prepared is not None and prepared.index == index else None

    def _put(self, test: BlindTest, listener: Listener, index: int, wavs: Mapping[str, bytes]) -> PreparedTrial:
        """Write the sounds of a trial in place of those of the listener's last one."""
        prepared = PreparedTrial(index, {sound: self._chance.token_urlsafe(16) for sound in wavs})
        self._forget(test.id, listener.id)
        folder = self._sounds_folder()
        with writing("The sounds of the trial", folder):
            for sound, data in wavs.items():
                private(folder / prepared.addresses[sound]).write_bytes(data)
        self._prepared[test.id, listener.id] = prepared
        if len(self._prepared) > MOST_PREPARED:  # whoever was first has them in the browser, or gets them anew
            self._forget(*next(iter(self._prepared)))
        return prepared

    def sound(self, test: BlindTest, listener: Listener, address: str) -> bytes | None:
        """Return a sound of the listener's present trial; None if that address is none of them."""
        prepared = self._prepared.get((test.id, listener.id))
        if prepared is None or address not in prepared.addresses.values():
            return None
        try:
            return (self._sounds_folder() / address).read_bytes()
        except FileNotFoundError:  # the next trial was asked for meanwhile
            return None

    def close(self) -> None:
        """Delete the sounds of present trials, and close the table."""
        self._open.close()
        self._table.close()

    def _forget(self, test_id: str, listener_id: str | None = None) -> None:
        """Delete the sounds of the present trial of a listener, or of all listeners of a test."""
        with self._lock:
            for place in [one for one in self._prepared if one[0] == test_id and listener_id in (None, one[1])]:
                for address in self._prepared.pop(place).addresses.values():
                    (self._sounds_folder() / address).unlink(missing_ok=True)

    def _sounds_folder(self) -> Path:
        if self._folder is None:
            self._folder = self._open.enter_context(self._store.scratch())
        return self._folder

    def _tell(self, test_id: str) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.changed.emit, test_id)

    def _write(self, test: BlindTest) -> BlindTest:
        self._table.write_test(test.id, test.to_dict())
        self._tell(test.id)
        return test


def _test_of(values: Mapping[str, Any]) -> BlindTest | None:
    try:
        return BlindTest.from_dict(values)
    except (ValueError, TypeError, KeyError, PlaygroundError) as damage:
        log.warning("a listening test is passed over: %s", damage)
        return None


def _listener_of(values: Mapping[str, Any]) -> Listener | None:
    try:
        return Listener.from_dict(values)
    except (ValueError, TypeError, KeyError) as damage:
        log.warning("a listener's answers are passed over: %s", damage)
        return None
