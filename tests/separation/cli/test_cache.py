"""`audio-playground cache` as a person runs it, alone and beside other processes."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from separation.results.store import NewItem
from storage import ArtifactStore
from storage.locks import SCRATCH_PREFIX
from storage.manifest import Manifest
from tests.support import run_fakes
from tests.support.damage import flip
from tests.support.store_files import change, used_at, used_days_ago
from tests.support.terminal import audio_playground

ROOT = Path(__file__).parents[3]
DAY_S = 24 * 3600


pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def store(folder):
    return ArtifactStore(folder / "home")


def cache(*words, **options):
    return audio_playground("cache", *words, **options).output


def told(*words):
    (line,) = audio_playground("cache", *words, "--json").stdout.splitlines()
    return json.loads(line)


def listed():
    return {artifact["kind"]: artifact for artifact in told("list")["artifacts"]}


def extract(folder, seed=0):
    """Extract drums; returns whether it was cached."""
    song = folder / f"song{seed}.wav"
    if not song.exists():
        run_fakes.song(song, seed=seed)
    output = audio_playground("extract", "auto", song, "-p", "drums", "-o", "stems", "--json").stdout
    return json.loads(output)["cached"]


def keep(store, name, size, kind="result"):
    with store.scratch() as folder:
        (folder / "a").write_bytes(b"x" * size)
        return store.put(store.key(kind, name=name), NewItem(kind=kind, name=name, files={"0": folder / "a"}))


def in_a_process(*words, **options):
    return subprocess.Popen(
        [sys.executable, "-c", "from separation.cli.main import main; main()", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


# Listing


def test_an_empty_store_is_said_to_be_empty():
    assert cache("list") == "Nothing is kept: 0 kB of 20.0 GB.\n"
    assert told("list") == {
        "artifacts": [],
        "n_chunks": 0,
        "chunk_bytes": 0,
        "n_trashed": 0,
        "trash_bytes": 0,
        "total_bytes": 0,
        "limit_bytes": 20 * 10**9,
    }
    assert cache("clean") == "There was nothing to delete.\n"
    assert cache("clear") == "Deleted nothing, 0 kB freed.\n"


def test_after_an_extraction_the_recording_and_the_result_are_listed(folder, backend, store):
    before_s = time.time()
    extract(folder)
    kept = listed()
    assert set(kept) == {"recording", "result"}
    assert (kept["recording"]["name"], kept["result"]["name"]) == ("song0.wav", "drums")
    for artifact in store.list():
        if artifact.manifest.kind in kept:
            row = kept[artifact.manifest.kind]
            on_disk = sum(path.stat().st_size for path in artifact.files.values())
            assert (row["key"], row["size_bytes"], row["pinned"]) == (artifact.key, on_disk, False)
    assert told("list")["total_bytes"] == store.size_bytes()
    store.pin(kept["result"]["key"])
    used_at(store, kept["result"]["key"], before_s - 30 * DAY_S)
    lines = {line.split()[0]: line for line in cache("list").splitlines()}
    month_ago = time.strftime("%Y-%m-%d %H:%M", time.localtime(before_s - 30 * DAY_S))
    assert re.fullmatch(
        rf"result +[0-9.]+ [kM]B  {month_ago}  pinned  {kept['result']['key'][:12]}  drums", lines["result"]
    )
    assert "pinned" not in lines["recording"] and lines["recording"].endswith("  song0.wav")
    assert lines["2"].startswith("2 kept, 1 of them pinned: ")


def test_finished_chunks_are_told_together(store):
    keep(store, "stems", 1000)
    for index in range(3):
        keep(store, f"chunk {index}", 2048, "chunk")
    assert "3 chunks that runs can go on from: 6 kB; they are the first to go." in cache("list")
    answer = told("list")
    assert (answer["n_chunks"], answer["chunk_bytes"], answer["total_bytes"]) == (3, 6144, 7144)
    assert [artifact["name"] for artifact in answer["artifacts"]] == ["stems"]


def test_no_manifest_is_read_for_the_list(store, monkeypatch):
    keep(store, "stems", 1000), keep(store, "chunk", 2048, "chunk")
    monkeypatch.setattr(Manifest, "from_json", None)
    assert "  stems\n1 chunk that runs can go on from: 2 kB; " in cache("list")
    assert [artifact["name"] for artifact in told("list")["artifacts"]] == ["stems"]


def test_sizes_read_in_the_unit_of_the_limit(store):
    keep(store, "stems", 3 * 10**6)
    assert "1 kept, 0 of them pinned: 3.0 MB of 500 MB." in cache("list", "--cache-limit-gb", 0.5)


def test_a_name_cannot_steer_the_terminal(store):
    keep(store, "a\x1b[2Jb\nresult", 10)
    assert "a?[2Jb?result" in cache("list")
    assert "\x1b" not in cache("clear", "--yes")


# Cleaning


def test_cleaning_keeps_what_is_there_to_be_used(folder, backend):
    extract(folder)
    before = told("list")
    assert told("clean", "--older-than", "30d") == {
        "leftover_bytes": 0,
        "trashed": [],
        "unused": [],
        "over_limit": [],
        "freed_bytes": 0,
    }
    assert told("list") == before
    assert extract(folder) is True


def test_cleaning_says_what_went_and_why(store):
    for name in ("old", "pinned", "new"):
        artifact = keep(store, name, 10**6)
        if name != "new":
            used_days_ago(store, artifact.key, 40)
    store.pin(store.key("result", name="pinned"))
    left = store.scratch_folder / f"{SCRATCH_PREFIX}killed"
    left.mkdir()
    (left / "0.wav").write_bytes(b"x" * 10**6)
    output = cache("clean", "--older-than", "30d")
    assert output.splitlines() == [
        "What was left half-made: 1.0 MB.",
        "Not used for 30d: result old, 1.0 MB.",
        "2.0 MB freed.",
    ]
    assert sorted(artifact.name for artifact in store.list()) == ["new", "pinned"]


def test_cleaning_brings_the_store_under_a_smaller_limit_and_says_if_pins_prevent_it(store):
    first, _ = keep(store, "first", 70 * 10**6), keep(store, "second", 70 * 10**6)
    assert told("clean", "--cache-limit-gb", 0.1) == {
        "leftover_bytes": 0,
        "trashed": [],
        "unused": [],
        "over_limit": ["first"],
        "freed_bytes": 70 * 10**6,
    }
    assert store.get(first.key) is None
    store.pin(keep(store, "third", 70 * 10**6).key)
    store.pin(store.key("result", name="second"))
    assert "note: what is pinned is 40 MB over the limit" in cache("clean", "--cache-limit-gb", 0.1)
    assert len(store.list()) == 2


@pytest.mark.parametrize(("text", "seconds"), [("90m", 5400), ("3h", 10_800), ("1d", DAY_S), ("2w", 14 * DAY_S)])
def test_times_are_a_number_and_a_unit(store, text, seconds):
    older, younger = keep(store, "older", 10), keep(store, "younger", 10)
    used_at(store, older.key, time.time() - seconds - 60)
    used_at(store, younger.key, time.time() - seconds + 60)
    assert told("clean", "--older-than", text)["unused"] == ["older"]


@pytest.mark.parametrize("text", ["30", "d", "-1d", "0d", "1.5d", "30 days", "", "٣d"])
def test_other_times_are_refused_and_nothing_is_deleted(store, text):
    keep(store, "a", 10)
    assert "is not a time to go by" in cache("clean", "--older-than", text, status=2)
    assert len(store.list()) == 1


def test_the_trash_is_told_and_what_is_long_in_it_goes_and_the_rest_only_if_asked_for(store):
    kept = [keep(store, name, 1000) for name in ("old", "young", "here")]
    store.pin(kept[1].key)
    store.trash(*(artifact.key for artifact in kept[:2]))
    change(store, "UPDATE Artifact SET trashed_s = 1 WHERE key = ?", kept[0].key)
    assert "2 in the trash: 2 kB; “cache clean --trash” deletes what is there." in cache("list")
    assert (told("list")["n_trashed"], told("list")["trash_bytes"]) == (2, 2000)
    assert cache("clean").splitlines() == ["In the trash: result old, 1 kB.", "1 kB freed."]
    assert told("clean", "--trash")["trashed"] == ["young"]
    store.trash(kept[2].key)
    assert cache("clear", "--yes") == "Deleted 1 result, 1 kB freed.\n"


# Clearing


def test_after_clearing_the_next_run_computes_again(folder, backend):
    extract(folder)
    assert extract(folder) is True
    computed = backend.n_evaluations
    answer = told("clear", "--yes")
    assert answer["n_removed"] >= 2 and answer["freed_bytes"] > 0
    assert told("list")["artifacts"] == []
    assert not list((folder / "home" / "artifacts").rglob("*.val"))
    assert extract(folder) is False
    assert backend.n_evaluations == 2 * computed


def test_results_can_be_cleared_alone_with_their_chunks_and_so_can_recordings(store):
    for kind in ("recording", "result", "chunk"):
        keep(store, kind, 1000, kind)
    assert told("clear", "--results", "--yes") == {"n_removed": 2, "freed_bytes": 2000}
    assert [artifact.name for artifact in store.list()] == ["recording"]
    keep(store, "result", 1000)
    assert told("clear", "--recordings", "--yes") == {"n_removed": 1, "freed_bytes": 1000}
    assert [artifact.name for artifact in store.list()] == ["result"]
    keep(store, "recording", 1000, "recording")
    assert told("clear", "--recordings", "--results", "--yes")["n_removed"] == 2


def test_pinned_ones_stay_unless_they_are_asked_for(store):
    store.pin(keep(store, "pinned", 1000).key)
    keep(store, "other", 1000)
    assert told("clear", "--yes") == {"n_removed": 1, "freed_bytes": 1000}
    assert [artifact.name for artifact in store.list()] == ["pinned"]
    assert told("clear", "--yes", "--pinned") == {"n_removed": 1, "freed_bytes": 1000}
    assert store.list() == []


def test_clearing_asks_and_says_how_much_is_at_stake(store):
    keep(store, "song", 10**6, "recording")
    keep(store, "one", 10**6), keep(store, "two", 10**6)
    question = "Delete 1 recording and 2 results (3.0 MB)?"
    assert question in cache("clear", typed="n\n", status=1)
    assert len(store.list()) == 3
    output = cache("clear", typed="y\n")
    assert question in output and "Deleted 1 recording and 2 results, 3.0 MB freed." in output
    assert store.list() == []


# Beside other processes


def long_run(folder, **options):
    """A process that extracts from many chunks, as soon as it is in the middle of it."""
    if not (folder / "song.wav").exists():
        run_fakes.song(folder / "song.wav", 12.0)
    words = ("extract", "builtin", "song.wav", "-p", "drums", "-o", "stems", "--chunk-duration", 2)
    process = in_a_process(*words, **options)
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size for path in (folder / "home").glob("scratch/*/0.wav")):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.005)
    return process


@pytest.mark.long
def test_cleaning_and_clearing_do_not_disturb_a_run_in_another_process(folder):
    process = long_run(folder)
    cache("clean", "--older-than", "1m")
    cache("clear", "--yes")
    (scratch,) = {
        path.parent for path in (folder / "home").glob("scratch/*/0.wav")
    }  # it may have more, such as a stage
    assert process.poll() is None and (scratch / "0.wav").exists(), "cleaned while it ran"
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, output + errors
    assert {path.name for path in (folder / "stems").iterdir()} == {"drums.wav", "everything else.wav"}
    assert set(listed()) == {"result"}


def test_what_a_killed_run_left_is_cleaned_at_once(folder):
    process = long_run(folder)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert any(path.is_file() for path in (folder / "home" / "scratch").rglob("*"))
    assert told("clean")["leftover_bytes"] > 0
    assert not list((folder / "home" / "scratch").iterdir())
    assert "recording" in listed()


def test_a_full_disk_is_a_sentence_and_everything_works_again_when_there_is_room(folder, backend):
    run_fakes.song(folder / "song0.wav")  # 128 kB as it is kept
    told("list")
    process = in_a_process(
        "extract", "builtin", "song0.wav", "-p", "drums", "-o", "stems",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY)),
    )  # fmt: skip
    output, errors = process.communicate(timeout=60)
    assert process.returncode in (3, 6), output + errors
    assert "Traceback" not in errors and re.search(r"^\w+Error: .+\. .+\.$", errors, re.MULTILINE), errors
    assert told("list")["artifacts"] == []
    told("clean")
    assert not any(path.is_file() for path in (folder / "home").rglob("*") if "cache.db" not in path.name)
    assert extract(folder) is False
    assert extract(folder) is True


# Checking


def test_a_check_of_what_is_whole_says_so(store):
    assert "Whole: nothing." in cache("check")
    keep(store, "one", 1000), keep(store, "two", 1000, "recording")
    assert "Whole: 1 recording and 1 result.\n2 kB read" in cache("check")
    checked = told("check")
    assert (checked["n_whole"], checked["n_unknown"], checked["n_bytes"]) == (2, 0, 2000)
    assert checked["damaged"] == checked["mended"] == []


def test_a_check_names_what_is_damaged_and_ends_with_a_status_of_its_own(store):
    damaged, whole = keep(store, "song\x1b.wav", 1000, "recording"), keep(store, "bass", 1000)
    flip(damaged.files["0"])
    said = cache("check", status=6)
    assert "note: The kept recording “song?.wav” is damaged." in said and "its file is brought again" in said
    assert "Whole: 1 result." in said and "Damaged and set aside: 1 recording." in said
    assert "1 damaged file in " in said and "1 kB" in said
    assert "Whole: 1 result." in cache("check"), "it is found once"
    flip(whole.files["0"])
    (line,) = audio_playground("cache", "check", "--json", status=6).stdout.splitlines()
    assert json.loads(line)["damaged"] == [{"kind": "result", "name": "bass", "key": whole.key}]


def test_what_is_set_aside_is_deleted_when_that_is_asked_for(store):
    damaged = keep(store, "drums", 1000)
    flip(damaged.files["0"])
    cache("check", status=6)
    assert "freed_bytes" in told("clean") and told("clean")["freed_bytes"] == 0
    assert told("list")["total_bytes"] == 1000
    assert "Damaged files that were set aside: 1 kB." in cache("clean", "--damaged")
    assert told("list")["total_bytes"] == 0
    flip(keep(store, "drums", 1000).files["0"])
    cache("check", status=6)
    assert told("clear", "--yes")["freed_bytes"] == 1000
