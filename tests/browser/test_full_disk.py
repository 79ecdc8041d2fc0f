"""A disk that is full, a real one: a sentence, nothing half-made, and all works again once there is room."""

from __future__ import annotations

import json

import numpy as np
import pytest

from separation import decode
from separation.engine.engine import Inline
from separation.events import Warned
from separation.request import Request
from separation.results.runs import import_recording, separate_recording
from separation.results.store import NewItem
from storage import ArtifactStore, StorageError
from tests.support import run_fakes
from tests.support.browser import chromium, wait_until
from tests.support.server import running_server
from tests.support.small_disk import small_disk
from tests.support.studio_steps import RUN_S, Studio
from tests.support.terminal import audio_playground

MB = 2**20


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", 5 * MB) as disk:
        yield disk


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "disk" / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "disk" / "home"


def keep(store, name, size_bytes=50_000):
    with store.scratch() as folder:
        (folder / "a").write_bytes(name.encode() * size_bytes)
        return store.put(store.key("result", name=name), NewItem(kind="result", name=name, files={"0": folder / "a"}))


def check_consistent(home):
    """What the store lists is all there and nothing else is, and nothing is left in the making."""
    store = ArtifactStore(home)
    listed = {path for artifact in store.list() for path in artifact.files.values()}
    assert listed == set((home / "artifacts").rglob("*.val"))
    assert not list(home.glob("scratch/*"))
    store.close()


# The store


def test_what_is_kept_can_be_read_and_removed_on_a_full_disk(disk, home):
    store = ArtifactStore(home)
    kept = [keep(store, name) for name in "abcde"]
    store.pin(kept[4].key)
    disk.fill()
    assert store.get(kept[0].key) == kept[0] and len(store.list()) == 5
    assert store.sweep() == 0
    assert store.remove(kept[0].key) is True
    disk.fill()
    assert [manifest.name for manifest in store.discard(unused_for_s=0)] == ["b", "c", "d"]
    assert [artifact.name for artifact in store.list()] == ["e"]
    assert keep(store, "f").files["0"].read_bytes() == b"f" * 50_000
    check_consistent(home)


def test_a_store_can_be_opened_on_a_full_disk_so_that_room_can_be_made_in_it(disk, home):
    store = ArtifactStore(home)
    kept = [keep(store, name) for name in "ab"]
    store.close()
    disk.fill()
    again = ArtifactStore(home)
    assert again.get(kept[0].key) == kept[0]
    again.close()
    assert "Deleted 2 results" in audio_playground("cache", "clear", "--yes").output
    (disk.folder / "filler").unlink()
    keep(ArtifactStore(home), "c")
    check_consistent(home)


def test_an_index_that_cannot_grow_is_a_sentence_and_takes_nothing(disk, home):
    store = ArtifactStore(home)
    kept = keep(store, "a")
    refused = 0
    with store.scratch() as folder:
        for index in range(200):  # moving a file in takes no room
            (folder / f"{index}").write_bytes(b"x")
        disk.fill()
        for index in range(200):
            key = store.key("chunk", index=index)
            try:
                store.put(key, NewItem(kind="chunk", name="y" * 4000, files={"0": folder / f"{index}"}))
            except StorageError as error:
                assert "could not be kept. The system says: " in str(error) and "Make room on the disk" in error.todo
                assert store.get(key) is None
                refused += 1
    assert refused
    assert store.get(kept.key) == kept
    check_consistent(home)
    (disk.folder / "filler").unlink()
    keep(store, "b")
    check_consistent(home)


# Runs


def test_an_extraction_without_room_is_a_sentence_and_goes_on_once_there_is_some(disk, home, backend, tmp_path):
    song = run_fakes.song(tmp_path / "song.wav", 20)
    words = ("extract", "auto", song, "-p", "drums", "-o", "stems", "--json")
    said = json.loads(audio_playground(*words, status=3).stdout)
    assert "cannot be written" in said["what"] and "No space left" in said["why"]
    assert str(disk.folder) in said["todo"]
    assert not list((tmp_path / "stems").iterdir())
    check_consistent(home)
    n_chunks = len(ArtifactStore(home).list("chunk"))
    assert n_chunks > 0
    disk.resize(32 * MB)
    evaluations = backend.n_evaluations
    assert json.loads(audio_playground(*words).stdout)["cached"] is False
    assert len(list((tmp_path / "stems").iterdir())) == 2
    chunks = len(ArtifactStore(home).list("chunk"))
    assert backend.n_evaluations - evaluations == chunks - n_chunks, "the chunks from before were not computed again"
    check_consistent(home)


def test_a_disk_that_is_full_from_the_start_is_a_sentence(disk, backend, tmp_path):
    song = run_fakes.song(tmp_path / "song.wav", 2)
    filler = disk.fill()
    words = ("extract", "auto", song, "-p", "drums", "-o", "stems")
    assert "cannot be opened. The system says: " in audio_playground(*words, status=6).output
    filler.unlink()
    audio_playground(*words)


def test_a_full_disk_for_temporary_files_is_a_sentence(disk, backend, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "roomy"))
    song = run_fakes.song(tmp_path / "song.wav", 2)
    disk.fill()
    words = ("extract", "auto", song, "-p", "drums", "-o", "stems", "--temp-dir", disk.folder)
    output = audio_playground(*words, status=3).output
    assert "No space left on device" in output and f"{disk.folder}/" in output
    assert [path.name for path in disk.folder.iterdir()] == ["filler"]
    (disk.folder / "filler").unlink()
    audio_playground(*words)
    assert list(disk.folder.iterdir()) == []


def test_tracks_without_room_are_a_sentence_and_the_result_is_kept(disk, backend, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "roomy"))
    song = run_fakes.song(tmp_path / "song.wav", 2)
    disk.fill()
    for format_ in ("wav32f", "wav24", "flac", "mp3"):
        words = ("extract", "auto", song, "-p", "drums", "--format", format_)
        output = audio_playground(*words, "-o", disk.folder, status=3).output
        assert "has room" in output or "The disk may be full" in output, output
        assert [path.name for path in disk.folder.iterdir()] == ["filler"]
    (result,) = ArtifactStore(tmp_path / "roomy").list("result")
    (disk.folder / "filler").unlink()
    assert json.loads(audio_playground(*words, "-o", disk.folder, "--json").stdout)["key"] == result.key


def test_a_run_goes_on_when_its_chunks_cannot_be_kept_and_says_so(disk, home, backend, tmp_path):
    store = ArtifactStore(home, scratch=tmp_path / "elsewhere")
    recording = import_recording(run_fakes.song(tmp_path / "song.wav", 4), store)
    filler = disk.fill()
    run = separate_recording(recording, Request.of("drums"), store, Inline())
    warnings = []
    while True:
        try:
            event = next(run)
        except StopIteration as stop:
            result = stop.value
            break
        if isinstance(event, Warned):
            warnings.append(event.message)
            filler.unlink(missing_ok=True)
    refused = [warning for warning in warnings if warning.startswith("Finished chunks are not kept from here on.")]
    assert len(refused) == 1 and "No space left" in refused[0]
    tracks = [decode(track.audio).waveform.samples for track in result.tracks]
    assert np.allclose(sum(tracks), decode(recording.audio).waveform.samples, atol=1e-5)
    assert store.list("chunk") == []
    check_consistent(home)


def test_a_batch_without_room_names_what_failed_and_goes_on_once_there_is_some(disk, home, backend, tmp_path):
    names = [f"{index}.wav" for index in range(6)]
    (tmp_path / "music").mkdir()
    for seed, name in enumerate(names):
        run_fakes.song(tmp_path / "music" / name, 6, seed=seed)
    words = ("batch", "music", "-o", "out", "-p", "drums", "--json")
    said = json.loads(audio_playground(*words, status=6).stdout)
    assert 0 < said["failed"] < 6 and said["done"] == 6 - said["failed"]
    assert all("No space left" in failure["why"] or "is full" in failure["why"] for failure in said["failures"])
    assert [failure["file"] for failure in json.loads((tmp_path / "out" / "failures.json").read_text())] == [
        failure["file"] for failure in said["failures"]
    ]
    check_consistent(home)
    done = said["done"]
    disk.resize(64 * MB)
    said = json.loads(audio_playground(*words).stdout)
    assert (said["done"], said["failed"]) == (6, 0) and said["cached"] == done
    check_consistent(home)


# The studio


@pytest.mark.browser
def test_a_full_disk_is_a_sentence_on_the_page_and_the_server_lives_on(tmp_path):
    song = run_fakes.song(tmp_path / "song.wav", 2)
    with (
        small_disk(tmp_path / "disk", 64 * MB) as disk,
        running_server(home=disk.folder / "home", env={"TMPDIR": str(disk.folder)}) as server,
        chromium() as browser,
    ):
        page = Studio(browser, server.url).open()
        page.browse(song)
        wait_until(lambda: "There is no room for this file." in page.messages, "the refusal")
        page.try_demo().ask("drums")
        disk.resize(64 * MB - disk.free_bytes + MB)
        page.start()
        wait_until(lambda: "No space left on device" in page.messages, "what is wrong", RUN_S)
        assert "cannot be written" in page.messages and "has room" in page.messages
        disk.resize(64 * MB)
        page.start().finish("drums", "everything else")
        (result,) = ArtifactStore(server.home).list("result")
        disk.fill()
        answer = json.loads(page.fetch(f"/media/{result.key}/all.zip"))
        assert "cannot be written" in answer["what"] and "No space left" in answer["why"]
        assert len(page.fetch(f"/media/{result.key}/0/pcm?start=0&count=100")) == 800, "it can be listened to"
        assert server.process.poll() is None and "Traceback" not in server.log()
