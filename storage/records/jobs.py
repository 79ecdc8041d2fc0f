"""Job records, which outlive the server that runs the jobs: request, state and log of each.

Records lie in an index of their own beside the artifacts, as JSON text, each written in one transaction. They name a
recording and a result by key and keep neither of them from being evicted.

Every record belongs to one server. A running server holds a lock; a starting one takes over the records of servers that
are gone, never those of a running one. Unfinished jobs of a server that is gone become interrupted.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from separation.errors import Action, PlaygroundError
from storage.errors import StorageError, system_errors
from storage.locks import hold, living_folder
from storage.private import private_folder, private_home
from storage.sweep import sweep_scratch
from storage.table import Table

STOPPED = "The studio was stopped before this was done."
ROOM = "Check that the data folder may be written to and has room."
log = logging.getLogger(__name__)


class JobState(StrEnum):
    """The state of a job; cancelled is as normal an end as any."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """One line of a job's log, with its UTC time in ISO 8601."""

    time: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRecord:
    """The stored record of a job.

    Args:
        id: of the job.
        recording: key of the recording to separate.
        recording_name: the recording's name, which stays when it is gone.
        prompts: the prompts' words.
        people: the names of those who have asked for it, by their ids; that of the host is "".
        request: the whole request, as plain values.
        fetch: name of a model that is downloaded first; "" for none.
        state: the job's state.
        position: its place among the jobs that wait; the lowest is next.
        created: UTC time, ISO 8601, as are `started` and `ended`.
        n_done: chunks done in the last run, those kept from earlier runs included.
        n_chunks: number of chunks; 0 until it is known.
        result: key of the result.
        run_s: seconds of the run that made the result; 0 if none did, as it was kept already.
        error: what happened, why, and what to do, if it failed.
        action: what can be done about the error with a button.
        warnings: warnings of the last run.
        log: everything that happened, oldest first.
    """

    id: str
    recording: str
    recording_name: str
    prompts: tuple[str, ...]
    request: Mapping[str, Any]
    people: Mapping[str, str] = field(default_factory=lambda: {"": ""})
    fetch: str = ""
    state: JobState = JobState.QUEUED
    position: int = 0
    created: str = field(default_factory=lambda: utc_now())
    started: str = ""
    ended: str = ""
    n_done: int = 0
    n_chunks: int = 0
    result: str = ""
    run_s: float = 0.0
    error: tuple[str, str, str] | None = None
    action: Action | None = None
    warnings: tuple[str, ...] = ()
    log: tuple[LogLine, ...] = ()

    @property
    def unfinished(self) -> bool:
        """Whether it waits or runs; in the record of a server that is gone, whether it did when the server stopped."""
        return self.state in (JobState.QUEUED, JobState.RUNNING)

    def with_error(self, error: PlaygroundError | None) -> JobRecord:
        """Return the record with an error and its action, or with none."""
        if error is None:
            return replace(self, error=None, action=None)
        return replace(self, error=(error.what, error.why, error.todo), action=error.action)

    def noting(self, text: str) -> JobRecord:
        """Return the record with one more line in its log, at the present time."""
        return replace(self, log=(*self.log, LogLine(time=utc_now(), text=text)))


class JobTable:
    """The records of this server's jobs. Without `close`, its jobs count as interrupted once the process has ended.

    Where the system has no locks (Windows, some network file systems) no other server can be known to live, so a
    server that starts takes over all records.

    Args:
        folder: the data folder; made if it is not there.

    Raises:
        StorageError: here and in every method, if the index cannot be read or written.

    Attributes:
        damages: what was found damaged of the records.
    """

    def __init__(self, folder: Path) -> None:
        self._servers = folder / "servers"
        self._alive = ExitStack()
        with system_errors(f"The records of jobs in {folder} cannot be opened.", ROOM):
            private_home(folder)
            private_folder(self._servers)
            self._cache = Table(folder / "jobs", "The table of jobs")
            self.damages = self._cache.damages
            self._server = self._alive.enter_context(living_folder(self._servers)).name

    def take_over(self) -> tuple[JobRecord, ...]:
        """Take over the records of servers that are gone; return all records of this server, oldest first."""
        with self._writing():
            alive = self._living()
            mine = []
            for entry in [entry for entry in self._cache.iterkeys() if entry.startswith("job:")]:
                owner, record = self._read(entry)
                if record is None or owner in alive - {self._server}:
                    continue
                if owner != self._server and record.unfinished:
                    record = replace(record, state=JobState.INTERRUPTED, ended=utc_now()).noting(STOPPED)
                self._write(record)
                mine.append(record)
            self._take_over_pause(alive)
        sweep_scratch(self._servers, 0)
        return tuple(sorted(mine, key=lambda record: record.created))

    def write(self, *records: JobRecord) -> None:
        """Store these records, in one transaction."""
        with self._writing():
            for record in records:
                self._write(record)

    def remove(self, *ids: str) -> None:
        """Delete the records of these jobs."""
        with self._writing():
            for job_id in ids:
                self._cache.delete(f"job:{job_id}")

    @property
    def paused(self) -> bool:
        """Whether this server's queue is paused, or that of a server it has taken over was."""
        with self._cache.errors("The records of jobs cannot be read.", ROOM):
            return f"paused:{self._server}" in self._cache

    def pause(self, paused: bool) -> None:
        """Store whether this server's queue is paused."""
        with self._writing():
            if paused:
                self._cache.set(f"paused:{self._server}", 1)
            else:
                self._cache.delete(f"paused:{self._server}")

    def close(self) -> None:
        """Release this server's records to others, and close this thread's connection to the index."""
        self._alive.close()
        self._cache.close()

    def _living(self) -> set[str]:
        """Return the servers that hold their lock, this one always included."""
        living = {self._server}
        for folder in self._servers.iterdir():
            with hold(folder, shared=False, wait=False) as held:
                if held == "theirs":
                    living.add(folder.name)
        return living

    def _take_over_pause(self, alive: set[str]) -> None:
        for entry in [entry for entry in self._cache.iterkeys() if entry.startswith("paused:")]:
            if entry.removeprefix("paused:") not in alive:
                self._cache.delete(entry)
                self._cache.set(f"paused:{self._server}", 1)

    def _read(self, entry: str) -> tuple[str, JobRecord | None]:
        """Return the server of a record and the record; None if it cannot be read, perhaps from a newer program."""
        try:
            values = json.loads(self._cache[entry])
            return str(values.pop("server")), _from_plain(values)
        except (ValueError, TypeError, KeyError, AttributeError, StorageError) as error:
            log.warning("the record %s is passed over: %s", entry, error)
            return "", None

    def _write(self, record: JobRecord) -> None:
        text = json.dumps({**asdict(record), "server": self._server}, ensure_ascii=False, allow_nan=False)
        self._cache.set(f"job:{record.id}", text)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._cache.errors("What becomes of jobs cannot be written down.", ROOM), self._cache.transact():
            yield


def utc_now() -> str:
    """Return the present UTC time in ISO 8601, as records hold it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _from_plain(values: dict[str, Any]) -> JobRecord:
    return JobRecord(
        **{
            **values,
            "state": JobState(values["state"]),
            "prompts": tuple(str(words) for words in values["prompts"]),
            "request": dict(values["request"]),
            "people": {str(person): str(name) for person, name in values.get("people", {"": ""}).items()},
            "error": None if values["error"] is None else _three(*values["error"]),
            "action": Action.from_dict(values.get("action")),  # an earlier version of this program stored none
            "warnings": tuple(str(words) for words in values["warnings"]),
            "log": tuple(LogLine(**line) for line in values["log"]),
        }
    )


def _three(what: str, why: str, todo: str) -> tuple[str, str, str]:
    return what, why, todo
