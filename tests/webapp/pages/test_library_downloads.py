"""The controls of downloads in the Library, which are those beside the mixer."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pytest

from separation.engine.engine import Inline
from separation.request import Request
from separation.results.kept import Recording
from separation.results.runs import import_recording, separate_recording
from storage import ArtifactStore
from tests.separation.audio.test_video import film
from tests.support import odd_files, run_fakes, tagged, toy_backend
from tests.support.simulated import SimulatedStudio, simulated_studio
from webapp.routes.export_choice import ExportChoice


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArtifactStore:
    toy_backend.register(monkeypatch)
    return ArtifactStore(tmp_path / "home")


def separated(recording: Recording, store: ArtifactStore) -> str:
    """Return the key of a result of it."""
    *_, kept = separate_recording(recording, Request.of("middle", backend="toy"), store, Inline())
    return kept.key


def with_tags(folder: Path, store: ArtifactStore) -> Recording:
    (folder / "song.flac").write_bytes(odd_files.stored("FLAC"))
    return import_recording(tagged.tag(folder / "song.flac"), store)


async def unfolded(page: SimulatedStudio, *keys: str) -> None:
    await page.open("/library")
    for n, key in enumerate(keys, start=1):
        page.tell("LibraryList", "details", key)
        await page.until(lambda n=n: len(page.details) == n, "the details")


async def test_format_rate_peaks_and_tags_are_chosen_for_the_zip(
    tmp_path: Path, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = separated(with_tags(tmp_path, store), store)
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await unfolded(page, key)
        assert page.details[0]["stems"] == f"/media/{key}/all.zip?format=wav24"
        for name, value in (("peak", "clip"), ("tags", False), ("rate", "96000")):
            page.set(name, value)
        assert page.details[0]["stems"] == f"/media/{key}/all.zip?format=wav24&rate=96000&peak=clip&tags=0"
        page.set("format", "mp3")
        assert page.details[0]["stems"] == f"/media/{key}/all.zip?format=mp3&peak=clip&tags=0"
        assert "MP3, 320 kbit/s does not support 96 kHz: the rate stays as it is." in page.notifications
        assert page.setting("peak")["value"] == "clip" and page.setting("tags")["value"] is False


async def test_the_choice_is_remembered_by_the_library_and_the_studio_and_after_a_restart(
    tmp_path: Path, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = with_tags(tmp_path, store)
    key = separated(recording, store)
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await unfolded(page, key)
        page.set("format", "flac")
        await page.open(f"/?recording={recording.key}")
        assert page.setting("format")["value"] == "flac"
        page.set("format", "mp3")
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await unfolded(page, key)
        assert page.setting("format")["value"] == "mp3"
        assert page.details[0]["stems"].endswith("?format=mp3")


async def test_each_guest_has_a_choice_of_his_own(
    tmp_path: Path, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = with_tags(tmp_path, store)
    separated(recording, store)
    async with simulated_studio(tmp_path / "home", monkeypatch, passcode="four calling birds") as page:
        for name, before in (("", "wav24"), ("Ana", "wav24"), ("Bo", "wav24"), ("Ana", "flac"), ("", "flac")):
            await page.become(name, "four calling birds")
            await page.open(f"/?recording={recording.key}")
            assert page.setting("format")["value"] == before
            if name != "Bo":
                page.set("format", "flac")


@pytest.mark.parametrize("kept", ["format=aiff", "rate=1", "rate=x&format=flac", "peak=loud", "nonsense", "%00=%ff"])
def test_a_remembered_choice_of_another_version_is_the_usual_one(kept: str) -> None:
    assert ExportChoice.from_query(kept) == ExportChoice()


@pytest.mark.parametrize("choice", [ExportChoice("mp3", 48_000, "clip", False), ExportChoice("video"), ExportChoice()])
def test_a_choice_is_read_as_it_was_written(choice: ExportChoice) -> None:
    assert ExportChoice.from_query(urlencode(choice.query)) == choice


async def test_each_result_has_the_controls_that_make_a_difference_to_it(
    tmp_path: Path, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = separated(import_recording(run_fakes.song(tmp_path / "song.wav", 0.5), store), store)
    video = separated(import_recording(film(tmp_path / "film.mp4"), store), store)
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await unfolded(page, plain, video)
        assert [[field["name"] for field in one["fields"]] for one in page.details] == [["format", "rate", "peak"]] * 2
        page.tell("LibraryList", "changes", [{"number": 1, "change": {"set": "format", "value": "video"}}])
        assert [one["stems"].rpartition("=")[2] for one in page.details] == ["wav24", "video"]


async def test_a_result_without_its_recording_still_offers_its_tags(
    tmp_path: Path, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = with_tags(tmp_path, store)
    key = separated(recording, store)
    store.remove(recording.key)
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await unfolded(page, key)
        assert page.setting("tags")["value"] is True


@pytest.mark.parametrize("change", [{"set": "peak", "value": "loud"}, {"set": "recipe", "value": "x"}, {"set": 3}])
async def test_what_is_not_offered_cannot_be_chosen(
    tmp_path: Path, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    key = separated(with_tags(tmp_path, store), store)
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await unfolded(page, key)
        before = page.details
        page.tell("LibraryList", "changes", [{"number": 1, "change": change}])
        assert page.details == before
