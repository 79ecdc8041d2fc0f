"""Records of jobs in a data folder that several servers share, some of which are killed.

`python -m tests.storage.test_jobs FOLDER` is such a server: it writes records until it is killed.
"""

from __future__ import annotations

import json
import pickle
import random
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from diskcache import Cache

from separation.errors import Action
from separation.results.store import NewItem
from storage import ArtifactStore, StorageError
from storage.disk import PlainDisk
from storage.records import JobRecord, JobState, JobTable
from storage.records.jobs import utc_now

ENDS = (JobState.DONE, JobState.CANCELLED, JobState.FAILED, JobState.INTERRUPTED)


def record(name, state=JobState.QUEUED, **fields):
    return JobRecord(
        id=name,
        recording="f" * 64,
        recording_name="song “ä”.wav",
        prompts=("drums", "no bass"),
        request={"prompts": [{"text": "drums"}], "seed": 3, "chunks": None},
        state=state,
        **fields,
    )


@pytest.fixture
def open_book(tmp_path):
    """Opens books of one data folder, one for each server; all are closed at the end."""
    books = []

    def opened():
        books.append(JobTable(tmp_path))
        return books[-1]

    yield opened
    for book in books:
        book.close()


@pytest.fixture
def records_kept(tmp_path):
    """What the table keeps its records in, as another program opens it."""
    with Cache(str(tmp_path / "jobs"), disk=PlainDisk) as cache:
        yield cache


def states(records):
    return {record.id: record.state for record in records}


def server(home):
    return subprocess.Popen(
        [sys.executable, "-m", __name__, str(home)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        text=True,
    )


def write_until_killed(home: Path) -> None:
    """Keep two records that change places, both in one go, and a third whose log grows."""
    book = JobTable(home)
    log = record("log", JobState.RUNNING)
    for n in range(1_000_000):
        book.write(record("a", position=n), record("b", position=-n))
        log = log.noting(f"line {n}")
        book.write(log)
        print(n, flush=True)


def test_a_record_reads_as_it_was_written(open_book):
    written = record(
        "one",
        JobState.FAILED,
        position=4,
        started="2026-05-01T10:00:00.000+00:00",
        n_done=3,
        n_chunks=7,
        result="a" * 64,
        error=("It broke.", "", "Mend it."),
        action=Action.download("small"),
        warnings=("It may rain.",),
    ).noting("Queued.")
    book = open_book()
    book.write(written)
    assert book.take_over() == (written,)
    assert written.log[0].text == "Queued."
    assert written.log[0].time.endswith("+00:00")


def test_what_a_server_left_unfinished_is_interrupted_when_the_next_one_starts(open_book):
    first = open_book()
    left = [record("waits"), record("runs", JobState.RUNNING), *(record(end.value, end) for end in ENDS)]
    first.write(*left)
    first.close()
    found = {taken.id: taken for taken in open_book().take_over()}
    for name in ("waits", "runs"):
        assert found[name].state is JobState.INTERRUPTED
        assert "stopped" in found[name].log[-1].text
        assert found[name].ended
    assert [found[end.value] for end in ENDS] == left[2:], "what is over stays as it was"


def test_records_come_back_oldest_first_and_only_those_of_this_server(open_book):
    first, second = open_book(), open_book()
    first.write(record("later", created="2026-02-01"), record("earlier", created="2026-01-01"))
    second.write(record("another's"))
    assert [taken.id for taken in first.take_over()] == ["earlier", "later"]
    assert [taken.id for taken in second.take_over()] == ["another's"]


def test_a_server_never_touches_the_jobs_of_one_that_lives(open_book):
    living, starting = open_book(), open_book()
    living.write(record("runs", JobState.RUNNING))
    assert starting.take_over() == ()
    assert states(living.take_over()) == {"runs": JobState.RUNNING}
    living.close()
    assert states(starting.take_over()) == {"runs": JobState.INTERRUPTED}


def test_a_killed_server_is_known_to_be_gone_at_once(tmp_path, open_book):
    other = server(tmp_path)
    with other:
        other.stdout.readline()
        assert open_book().take_over() == (), "it lives"
        other.kill()
    assert states(open_book().take_over()) == dict.fromkeys("ab", JobState.INTERRUPTED) | {"log": JobState.INTERRUPTED}


def test_a_server_killed_while_it_writes_leaves_whole_records(tmp_path, open_book):
    dice = random.Random(3)
    for _ in range(5):
        with server(tmp_path) as other:
            other.stdout.readline()
            time.sleep(0.05 * dice.random())
            other.kill()
        book = open_book()
        found = {taken.id: taken for taken in book.take_over()}
        assert found["a"].position == -found["b"].position, "both places were changed, or neither"
        lines = [line.text for line in found["log"].log[:-1]]
        assert lines == [f"line {n}" for n in range(len(lines))]
        book.close()


def test_a_pause_is_inherited_from_a_server_that_is_gone_not_from_one_that_lives(open_book):
    first, second = open_book(), open_book()
    first.pause(True)
    second.take_over()
    assert (first.paused, second.paused) == (True, False)
    first.close()
    third = open_book()
    third.take_over()
    assert third.paused
    third.pause(False)
    third.close()
    fourth = open_book()
    fourth.take_over()
    assert not fourth.paused


def test_what_is_removed_is_forgotten(open_book):
    book = open_book()
    book.write(record("one"), record("two"))
    book.remove("one", "never there")
    assert states(book.take_over()) == {"two": JobState.QUEUED}


def test_a_failure_that_was_recorded_before_there_were_actions_is_still_read(open_book, records_kept):
    book = open_book()
    book.write(record("old", JobState.FAILED, error=("It broke.", "", "Mend it.")))
    values = json.loads(records_kept["job:old"])
    del values["action"]
    records_kept.set("job:old", json.dumps(values))
    (old,) = book.take_over()
    assert old.error == ("It broke.", "", "Mend it.") and old.action is None


@pytest.mark.parametrize("value", ["{", "[]", '{"server": "x"}', "no"])
def test_a_damaged_record_is_passed_over(tmp_path, open_book, records_kept, value, caplog):
    book = open_book()
    book.write(record("whole"), record("damaged"))
    records_kept.set("job:damaged", value)
    assert states(book.take_over()) == {"whole": JobState.QUEUED}
    assert "job:damaged is passed over" in caplog.text


def test_a_record_of_a_newer_program_stays_where_it_is(open_book, records_kept):
    book = open_book()
    book.write(record("newer"))
    text = records_kept["job:newer"].replace('"position"', '"colour": "red", "position"')
    records_kept.set("job:newer", text)
    assert book.take_over() == ()
    assert records_kept["job:newer"] == text


def test_a_pickle_in_the_index_is_never_read(tmp_path, open_book):
    book = open_book()
    book.write(record("one"))
    with closing(sqlite3.connect(tmp_path / "jobs" / "cache.db")) as index, index:
        evil = sqlite3.Binary(pickle.dumps(print))
        index.execute("UPDATE Cache SET value = ?, mode = 4 WHERE key = 'job:one'", (evil,))
    assert book.take_over() == ()


def test_a_full_disk_is_said_and_changes_nothing(tmp_path, open_book, monkeypatch):
    book = open_book()
    book.write(record("one"))
    with closing(sqlite3.connect(tmp_path / "jobs" / "cache.db")) as index:
        (pages,) = index.execute("PRAGMA page_count").fetchone()
    usual = sqlite3.connect

    def on_a_full_disk(*args, **kwargs):
        connection = usual(*args, **kwargs)
        connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()
        return connection

    monkeypatch.setattr(sqlite3, "connect", on_a_full_disk)
    two = record("two", warnings=("long " * 20_000,))
    with ThreadPoolExecutor(1) as another_thread:  # which opens a connection of its own
        writing = another_thread.submit(book.write, record("one", JobState.DONE), two)
        with pytest.raises(StorageError, match="cannot be written down") as refused:
            writing.result()
    assert "full" in refused.value.why
    assert states(book.take_over()) == {"one": JobState.QUEUED}


def test_a_folder_that_cannot_be_used_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be opened"):
        JobTable(tmp_path / "file")


def test_records_keep_nothing_from_being_evicted_or_cleared(tmp_path, open_book):
    store = ArtifactStore(tmp_path)
    key = store.key("recording", name="song")
    with store.scratch() as folder:
        (folder / "audio").write_bytes(b"x" * 100)
        store.put(key, NewItem(kind="recording", name="song", files={"audio": folder / "audio"}))
    book = open_book()
    book.write(replace(record("runs", JobState.RUNNING), recording=key, result=key))
    store.sweep()
    assert [manifest.name for manifest in store.discard()] == ["song"]
    assert states(book.take_over()) == {"runs": JobState.RUNNING}


if __name__ == "__main__":
    write_until_killed(Path(sys.argv[1]))


def test_two_jobs_of_one_moment_keep_their_order():
    times = [utc_now() for _ in range(2_000)]
    assert times == sorted(times)
    assert len(set(times)) > len(times) / 2, "a millisecond holds several"
