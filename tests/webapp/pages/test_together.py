"""The list of files that were brought together, as a value and on a page without a browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from separation.results.kept import Recording
from separation.results.runs import import_recording
from storage import ArtifactStore
from tests.support.simulated import SimulatedStudio, simulated_studio
from webapp.pages.studio.together import files as lists
from webapp.pages.studio.together.files import BroughtFile


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def kept(home: Path, *names: str) -> list[Recording]:
    """Recordings of two seconds of noise, no two alike."""
    store, found = ArtifactStore(home), []
    for number, name in enumerate(names):
        path = home.parent / name
        soundfile.write(path, np.random.default_rng(number).uniform(-0.3, 0.3, 2 * 44_100), 44_100)
        found.append(import_recording(path, store))
    store.close()
    return found


def test_a_file_that_comes_twice_is_listed_once(home: Path) -> None:
    (song,) = kept(home, "song.wav")
    coming = (BroughtFile(name="a copy.wav", upload="a"), BroughtFile(name="song.wav", upload="b"))
    once = lists.arrived(coming, "b", song)
    assert [one.id for one in once] == ["a", "b"] and once[1].key == song.key
    assert [one.id for one in lists.arrived(once, "a", song)] == ["b"]


def test_a_file_is_found_by_its_upload_and_by_its_recording_and_nothing_by_nothing(home: Path) -> None:
    (song,) = kept(home, "song.wav")
    listed = lists.arrived((BroughtFile(name="song.wav", upload="b"), BroughtFile(name="x", refused="it")), "b", song)
    assert lists.find(listed, "b") == lists.find(listed, song.key) == listed[0]
    assert lists.find(listed, "") is None
    assert [one.is_coming for one in lists.refused(listed, "b", "no")] == [False, False]


def tabs(page: SimulatedStudio) -> list[tuple[str, str]]:
    (shown,) = [element for element in page.elements if type(element).__name__ == "FileTabs"]
    return [(file["name"], file["words"]) for file in shown.props["files"]]


async def test_recordings_of_an_address_are_listed_the_first_is_open_and_what_is_unknown_is_left_out(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = kept(home, "one.wav", "other.wav")
    async with simulated_studio(home, monkeypatch) as page:
        await page.open(f"/?files={one.key},{'0' * 64},nonsense,{other.key},{one.key}")
        assert tabs(page) == [("one.wav", "0:02"), ("other.wav", "0:02")]
        assert "one.wav" in page.text


async def test_what_the_open_recording_asks_for_is_asked_of_all(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = kept(home, "one.wav", "other.wav")
    async with simulated_studio(home, monkeypatch) as page:
        await page.open(f"/?files={one.key},{other.key}&prompts=drums")
        page.tell("SeparateAll", "changes", [{"number": 1, "change": "press"}])
        await page.until(lambda: {words for _, words in tabs(page)} == {"Separated"}, "both")
    results = ArtifactStore(home).list("result")
    requests = [dict(item.manifest.config) for item in results]
    assert len(results) == 2 and requests[0] == requests[1]
