"""Records of jobs, which outlive the server that runs them: what was asked for, how it stands, and what happened.

Records lie in an index of their own beside the artifacts, as JSON text, each written in one transaction. They name a
recording and a result by key and keep neither of them from being evicted.

Every record belongs to one server. A server that lives holds a lock; one that starts takes over the records of those
that are gone, and never touches those of one that lives. What had not come to its end there is interrupted then.
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

from diskcache import Cache

from storage.disk import PlainDisk
from storage.errors import StorageError, system_errors
from storage.locks import hold, living_folder
from storage.sweep import sweep_scratch

STOPPED = "The studio was stopped before this was done."
ROOM = "Check that the data folder may be written to and has room."
log = logging.getLogger(__name__)


class JobState(StrEnum):
    """Where a job stands; cancelled is as normal an end as any."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """Something that happened to a job, and when (UTC time, ISO 8601)."""

    time: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRecord:
    """What is kept of a job.

    Args:
        id: of the job.
        recording: key of what is separated.
        recording_name: what a person calls it, also when it is gone.
        prompts: what is asked for, in words.
        request: all of it, as plain values.
        state: where it stands.
        position: its place among the jobs that wait; the lowest is next.
        created: UTC time, ISO 8601, as are `started` and `ended`.
        n_done: chunks done in the last run, those kept from earlier runs included.
        n_chunks: chunks there are; 0 before that is known.
        result: key of what was made.
        error: what happened, why, and what to do, if it failed.
        warnings: what a person should know of the last run.
        log: everything that happened, oldest first.
    """

    id: str
    recording: str
    recording_name: str
    prompts: tuple[str, ...]
    request: Mapping[str, Any]
    state: JobState = JobState.QUEUED
    position: int = 0
    created: str = field(default_factory=lambda: utc_now())
    started: str = ""
    ended: str = ""
    n_done: int = 0
    n_chunks: int = 0
    result: str = ""
    error: tuple[str, str, str] | None = None
    warnings: tuple[str, ...] = ()
    log: tuple[LogLine, ...] = ()

    @property
    def unfinished(self) -> bool:
        """It waits or runs, or would if its server had not stopped."""
        return self.state in (JobState.QUEUED, JobState.RUNNING)

    def noting(self, text: str) -> JobRecord:
        """The record with one more line in its log, of now."""
        return replace(self, log=(*self.log, LogLine(time=utc_now(), text=text)))


class JobTable:
    """The records of this server's jobs; `close` it, else its jobs count as interrupted when the process has ended.

    Where the system has no locks (Windows, some network file systems) no other server can be known to live, so a
    server that starts takes over all records.

    Args:
        folder: the data folder; made if it is not there.

    Raises:
        StorageError: here and in every method, if the index cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._servers = folder / "servers"
        self._alive = ExitStack()
        with system_errors(f"The records of jobs in {folder} cannot be opened.", ROOM):
            self._servers.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._cache = Cache(
                str(folder / "jobs"),
                disk=PlainDisk,
                disk_min_file_size=2**30,  # text stays in the index, where transactions hold
                eviction_policy="none",
                size_limit=2**62,
            )
            self._server = self._alive.enter_context(living_folder(self._servers)).name

    def take_over(self) -> tuple[JobRecord, ...]:
        """All records that belong to this server, after taking those of servers that are gone, oldest first."""
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
        """Keep these records as they are now, all or none of them."""
        with self._writing():
            for record in records:
                self._write(record)

    def remove(self, *ids: str) -> None:
        """Forget these jobs."""
        with self._writing():
            for job_id in ids:
                self._cache.delete(f"job:{job_id}")

    @property
    def paused(self) -> bool:
        """Whether this server's queue is paused, or that of a server it has taken over was."""
        with system_errors("The records of jobs cannot be read.", ROOM):
            return f"paused:{self._server}" in self._cache

    def pause(self, paused: bool) -> None:
        """Write down that this server's queue is paused, or that it goes on."""
        with self._writing():
            if paused:
                self._cache.set(f"paused:{self._server}", 1)
            else:
                self._cache.delete(f"paused:{self._server}")

    def close(self) -> None:
        """Let others take over what is here, and close this thread's connection to the index."""
        self._alive.close()
        self._cache.close()

    def _living(self) -> set[str]:
        """The servers that hold their lock; certainly this one."""
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
        """Whose record it is, and the record; None if it cannot be read, perhaps because a newer program wrote it."""
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
        with system_errors("What becomes of jobs cannot be written down.", ROOM), self._cache.transact():
            yield


def utc_now() -> str:
    """The time now, ISO 8601, as records have it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _from_plain(values: dict[str, Any]) -> JobRecord:
    return JobRecord(
        **{
            **values,
            "state": JobState(values["state"]),
            "prompts": tuple(str(words) for words in values["prompts"]),
            "request": dict(values["request"]),
            "error": None if values["error"] is None else _three(*values["error"]),
            "warnings": tuple(str(words) for words in values["warnings"]),
            "log": tuple(LogLine(**line) for line in values["log"]),
        }
    )


def _three(what: str, why: str, todo: str) -> tuple[str, str, str]:
    return what, why, todo
