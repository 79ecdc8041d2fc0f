"""A store that is cleaned while others use it, and that outlives killed processes and full disks.

`python -m tests.storage.test_upkeep kill FOLDER 200` kills 200 writers at random moments and checks the store
after each.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from diskcache import Timeout

from separation.results.store import NewItem
from storage import ArtifactStore, StorageError
from storage.errors import system_errors
from storage.locks import SCRATCH_PREFIX, hold
from storage.sweep import ABANDONED_AFTER_S
from tests.support.server import running_server
from tests.support.store_files import artifacts_folder, change, in_the_making, index_of, kept_files, used_days_ago
from tests.support.store_writers import PARTS, content, keep


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "home", limit_bytes=1000)


def used_long_ago(store, artifact, days):
    used_days_ago(store, artifact.key, days)


def names(store):
    return sorted(artifact.name for artifact in store.list())


def left_half_made(store, name="half"):
    """What a process leaves that is killed after it has moved a file in, and before it has written the manifest."""
    source, disk = store.folder / "source", index_of(store).disk
    source.write_bytes(b"x" * 70)
    disk.move_in(source, f"file:{name}:0:1")
    return disk.path_of(f"file:{name}:0:1")


def in_a_process(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.store_writers", *map(str, words)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# Memory


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_store_takes_no_more_memory_the_more_it_keeps(store):
    def resident_mb():
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6

    def keep_many(n):
        for _ in range(n):
            with store.scratch() as folder:
                (folder / "track").write_bytes(b"")
                key = store.key("result", random=os.urandom(8).hex())
                files = {"track": folder / "track"}
                store.put(key, NewItem(kind="result", name="x", files=files, info={"long": "x" * 200_000}))

    keep_many(25)
    before_mb = resident_mb()
    keep_many(125)
    assert resident_mb() - before_mb < 8, "125 manifests of 200 kB"


# Removing what was not used


def test_what_was_not_used_for_so_long_goes_and_what_was_used_since_or_is_pinned_stays(store):
    old, pinned, used = (keep(store, name, 100) for name in ("old", "pinned", "used"))
    for artifact in (old, pinned, used):
        used_long_ago(store, artifact, 40)
    store.pin(pinned.key)
    assert store.get(used.key)
    assert [manifest.name for manifest in store.discard(unused_for_s=30 * 24 * 3600)] == ["old"]
    assert names(store) == ["pinned", "used"]
    assert kept_files(store) == {*pinned.files.values(), *used.files.values()}
    assert store.discard(unused_for_s=30 * 24 * 3600) == ()


def test_all_of_one_kind_goes_and_the_pin_is_forgotten_with_it(store):
    song, stems = keep(store, "song", 100, "recording"), keep(store, "stems", 100)
    store.pin(stems.key)
    assert [manifest.name for manifest in store.discard("recording", pinned=True)] == ["song"]
    assert store.get(song.key) is None and names(store) == ["stems"]
    assert [manifest.name for manifest in store.discard(pinned=True)] == ["stems"]
    assert not store.pinned(stems.key) and kept_files(store) == set()


def test_the_chunks_of_recordings_that_are_discarded_or_unused_for_so_long_go_with_them(store):
    def keep_chunk(name, recording):
        with store.scratch() as folder:
            (folder / "stems").write_bytes(b"x")
            files, inputs = {"stems": folder / "stems"}, {"recording": recording.key}
            return store.put(name, NewItem(kind="chunk", name=name, files=files, inputs=inputs))

    songs = [keep(store, name, 100, "recording") for name in ("old", "new")]
    for index, song in enumerate(songs):
        keep_chunk(f"{index}", song)
    used_long_ago(store, songs[0], 40)
    assert [manifest.kind for manifest in store.discard(unused_for_s=30 * 24 * 3600)] == ["recording", "chunk"]
    assert sorted(artifact.key for artifact in store.list()) == sorted((songs[1].key, "1"))
    assert [manifest.kind for manifest in store.discard("recording")] == ["recording", "chunk"]
    assert kept_files(store) == set()


def test_the_last_use_is_told_and_one_that_is_not_known_is_before_all_others(store):
    before_s = time.time()
    kept = keep(store, "a", 100)
    assert before_s <= store.used_s(kept.key) <= time.time()
    assert store.used_s("0" * 64) == 0


def test_a_smaller_limit_takes_what_was_not_used_for_the_longest_time_and_no_more(store):
    for name in "abcd":
        keep(store, name, 200)
    store.get(store.key("result", name="a"))
    store.limit_bytes = 500
    assert [manifest.name for manifest in store.trim()] == ["b", "c"]
    assert names(store) == ["a", "d"] and store.size_bytes() == 400
    assert store.trim() == ()


def test_pinned_artifacts_stay_even_over_the_limit(store):
    store.pin(keep(store, "a", 400).key)
    keep(store, "b", 400)
    store.limit_bytes = 10
    assert [manifest.name for manifest in store.trim()] == ["b"]
    assert names(store) == ["a"]


# Sweeping what was left half-made


def test_what_killed_processes_left_goes_at_once_and_its_bytes_are_told(store):
    kept = keep(store, "kept", 100)
    half = left_half_made(store)
    unnamed = half.parent / f"{'0' * 28}.val"
    unnamed.write_bytes(b"x" * 5)
    abandoned = store.scratch_folder / f"{SCRATCH_PREFIX}killed"
    (abandoned / "deep").mkdir(parents=True)
    (abandoned / "deep" / "0.wav").write_bytes(b"x" * 11)
    assert store.sweep() == 70 + 5 + 11
    assert kept_files(store) == set(kept.files.values())
    assert not abandoned.exists()
    assert store.get(kept.key) == kept
    assert store.sweep() == 0


def test_an_artifact_that_lost_a_file_is_swept_with_the_files_it_has_left(store):
    lost, kept = keep(store, "lost", 100), keep(store, "kept", 100)
    lost.files["0"].unlink()
    assert store.sweep() == 50
    assert kept_files(store) == set(kept.files.values()) and store.size_bytes() == 100


def test_folders_of_others_are_not_swept(store):
    foreign = store.scratch_folder / "foreign"
    foreign.mkdir(parents=True)
    link = store.scratch_folder / f"{SCRATCH_PREFIX}link"
    link.symlink_to(foreign, target_is_directory=True)
    (foreign / "a").write_bytes(b"x")
    store.sweep()
    assert (foreign / "a").exists()


def test_the_scratch_of_a_living_process_stays_however_old_and_goes_when_the_process_was_killed(store):
    run = in_a_process("run", store.folder)
    folder = Path(run.stdout.readline().strip())
    long_ago = time.time() - 2 * ABANDONED_AFTER_S  # as after a computer has slept
    for path in (folder / "half.wav", folder):
        os.utime(path, (long_ago, long_ago))
    store.sweep()
    keep(store, "another run", 100)
    assert (folder / "half.wav").exists()
    run.kill()
    run.communicate()
    assert store.sweep() == 9
    assert not folder.exists()


def test_the_scratch_of_a_living_thread_stays(store):
    with store.scratch() as folder:
        (folder / "half.wav").write_bytes(b"x")
        assert store.sweep() == 0
        assert (folder / "half.wav").exists()
    assert not folder.exists()


def test_what_another_process_is_keeping_just_now_stays(store):
    keep(store, "kept", 100)
    half = left_half_made(store)
    with hold(artifacts_folder(store), shared=True, wait=True) as held:
        assert held == "ours"
        assert store.sweep() == 0
        assert half.exists()
    assert store.sweep() == 70


def test_an_artifact_is_kept_after_a_sweep_that_came_first(store):
    finished = threading.Event()
    with hold(artifacts_folder(store), shared=False, wait=True):
        thread = threading.Thread(target=lambda: (keep(store, "a", 100), finished.set()))
        thread.start()
        assert not finished.wait(0.2)
    thread.join(10)
    assert names(store) == ["a"]


def test_two_who_keep_do_not_wait_for_each_other(store):
    with hold(artifacts_folder(store), shared=True, wait=True):
        assert keep(store, "a", 100)


def test_a_scratch_folder_that_a_sweep_took_before_it_was_locked_is_made_again(store, monkeypatch):
    import fcntl

    usual, taken = fcntl.flock, []

    def slow_lock(descriptor, how):
        if not taken:
            taken.extend(in_the_making(store))
            taken[0].rmdir()  # as a sweep in another process, which had the lock first
        return usual(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", slow_lock)
    with store.scratch() as folder:
        assert folder.is_dir() and folder != taken[0]
    assert in_the_making(store) == []


def test_without_locks_only_what_is_a_day_old_is_swept(store, monkeypatch):
    import fcntl

    def unsupported(*_):
        raise OSError("Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    kept = keep(store, "kept", 100)
    half = left_half_made(store)
    with store.scratch() as folder:
        (folder / "half.wav").write_bytes(b"x" * 9)
        assert store.sweep() == 0
        long_ago = time.time() - ABANDONED_AFTER_S - 60
        for path in (half, folder / "half.wav", folder):
            os.utime(path, (long_ago, long_ago))
        assert store.sweep() == 79
    assert kept_files(store) == set(kept.files.values())


def test_an_index_that_breaks_is_a_sentence(store):
    keep(store, "a", 100)
    change(store, "DROP TABLE Artifact")
    for use in (store.trim, store.discard, store.sweep, lambda: store.used_s("a")):
        with pytest.raises(StorageError, match="no such table"):
            use()


def test_a_folder_that_is_not_there_or_on_a_system_without_locks_cannot_be_held(tmp_path, monkeypatch):
    with hold(tmp_path / "none", shared=False, wait=True) as held:
        assert held == "gone"
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(sys, "platform", "win32")
        with hold(tmp_path, shared=False, wait=True) as held:
            assert held == "unknown"


@pytest.mark.parametrize(
    ("of_the_index", "told"),
    [("database is locked", "Another process has kept"), ("database or disk is full", "The system says: .* is full")],
)
def test_a_lock_that_cannot_be_had_is_told_with_its_own_reason(of_the_index, told):
    with pytest.raises(StorageError, match=told), system_errors("What.", "Do."):
        try:
            raise sqlite3.OperationalError(of_the_index)
        except sqlite3.OperationalError:
            raise Timeout from None  # as diskcache has it


# Two processes


def test_a_store_can_be_cleaned_while_another_process_fills_it(tmp_path):
    worker = in_a_process("fill", tmp_path, 40)
    store, n_swept = ArtifactStore(tmp_path), 0
    pinned = store.key("result", name=worker.stdout.readline().strip())
    store.pin(pinned)
    while worker.poll() is None:
        store.sweep()
        n_swept += 1
        if n_swept % 5 == 0:
            store.discard()
    _, errors = worker.communicate(timeout=60)
    assert worker.returncode == 0, errors
    assert n_swept > 5
    assert store.get(pinned)
    check_whole(store)


def test_a_server_that_starts_sweeps_what_another_left_and_not_what_one_is_making(store):
    kept, half = keep(store, "kept", 100), left_half_made(store)
    (store.scratch_folder / f"{SCRATCH_PREFIX}killed").mkdir()
    run = in_a_process("run", store.folder)
    folder = Path(run.stdout.readline().strip())
    with running_server(home=store.folder):
        assert not half.exists() and in_the_making(store) == [folder]
        assert (folder / "half.wav").exists() and store.get(kept.key) == kept
    run.communicate("")


def test_a_sweep_survives_folders_that_vanish_while_it_looks(tmp_path):
    store, stop = ArtifactStore(tmp_path), threading.Event()
    keep(store, "kept")

    def appear_and_vanish():
        while not stop.is_set():
            folder = tmp_path / "artifacts" / "ab" / "cd"
            with suppress(FileNotFoundError):  # a sweep takes empty folders
                folder.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(folder.parent, ignore_errors=True)

    worker = threading.Thread(target=appear_and_vanish)
    worker.start()
    try:
        for _ in range(300):
            store.sweep()
    finally:
        stop.set()
        worker.join()
    check_whole(store)


# Killed, and full


@pytest.mark.long
def test_writers_killed_at_random_moments_leave_no_half_artifact_and_lose_no_finished_one(tmp_path):
    assert kill_while_writing(tmp_path, 20) >= 20


@pytest.mark.parametrize("index_is_open", [0, 1])
def test_a_disk_that_is_full_is_a_sentence_and_the_store_works_again_afterwards(tmp_path, index_is_open):
    process = in_a_process("full", tmp_path, 3, index_is_open)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    refused, *_ = output.splitlines()
    # Not that another process has the index locked, as which diskcache shows it.
    assert "could not be kept. The system says: " in refused and "Make room on the disk" in refused
    store = ArtifactStore(tmp_path)
    assert names(store) == ["0", "1", "2", "afterwards"]
    check_whole(store)


def check_whole(store):
    """Every artifact is all there, and nothing lies on the disk that belongs to none of them."""
    store.sweep()
    artifacts = store.list()
    for artifact in artifacts:
        for part, path in artifact.files.items():
            assert path.read_bytes() == content(artifact.name + part)
        assert sorted(artifact.files) == sorted(PARTS)
    assert kept_files(store) == {path for artifact in artifacts for path in artifact.files.values()}


def kill_while_writing(home, n_kills, seed=0):
    """Kill writers with SIGKILL at random moments; after each, check the store. Returns how many were finished."""
    dice, finished, store, n_finished = random.Random(seed), set(), ArtifactStore(home), 0
    for index in range(n_kills):
        writer = in_a_process("fill", home, 10_000, index)
        finished.add(writer.stdout.readline().strip())
        time.sleep(0.03 * dice.random())
        writer.kill()
        output, _ = writer.communicate(timeout=60)
        finished |= set(output.split())
        n_finished += 1 + len(output.split())
        check_whole(store)
        assert finished <= {artifact.name for artifact in store.list()}
        if len(finished) > 100:  # so that long loops do not grow without end
            store.discard()
            finished.clear()
            finished |= {keep(store, f"first-after-{index}").name}
    return n_finished


if __name__ == "__main__":
    _, _, folder, n_kills = sys.argv
    print(f"{kill_while_writing(Path(folder), int(n_kills), seed=None)} artifacts, all of them whole")
