"""Stored values that cannot be settled any more: the page opens, says what is missing, and offers to drop it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from separation.request import Anchor, ChunkSettings, DemucsSettings, Prompt, Request, SamSettings
from separation.results.kept import Recording
from separation.results.runs import import_recording
from separation.results.store import NewItem
from storage import ArtifactStore
from storage.records import DraftTable, JobRecord, JobState, JobTable
from tests.support import run_fakes
from tests.support.checkpoint import CHECKPOINT
from tests.support.server import running_server
from tests.support.simulated import simulated_studio
from webapp.state.drafts import Draft

DROP = "Reset the settings"
BEYOND = (Anchor(sign="+", start_s=1e6, stop_s=2e6), Anchor(sign="-", start_s=0.1, stop_s=1e9))


def demucs(model: str | None = None, folder: str | None = None) -> Request:
    return Request.of("drums", backend="demucs", model=model, demucs=DemucsSettings(folder=folder))


def sam(backend: str = "sam_torch", model: str | None = None, **settings: Any) -> Request:
    return Request.of("a dog", "a cat", backend=backend, model=model, **settings)


TOGETHER = {"chunks": ChunkSettings(stitch="multidiffusion"), "sam": SamSettings(chain=True)}
# What was stored, and words of what the page says of it.
UNSETTLED: dict[str, tuple[Request, str]] = {
    "a folder that is not there": (demucs("mine", "/nowhere/models"), "not a folder of models that may be used here"),
    "a folder that is there": (demucs("mine", "/etc"), "not a folder of models that may be used here"),
    "a folder above": (demucs(folder="../../.."), "not a folder of models that may be used here"),
    "a folder of nobody": (demucs(folder="~nosuchuser/x"), "not a folder of models that may be used here"),
    "a folder with an odd name": (demucs(folder="\0"), "not a folder of models that may be used here"),
    "a folder, and nobody named": (
        replace(demucs(folder="/nowhere"), backend="auto"),
        "not a folder of models that may be used here",
    ),
    "a model of Demucs that is unknown": (demucs("htdemucs_9"), "no Demucs model “htdemucs_9”"),
    "a model of SAM-Audio that is unknown": (sam(model="medium"), "no SAM-Audio model “medium”"),
    "a folder of SAM-Audio that is not there": (sam(model="/nowhere"), "no SAM-Audio model “/nowhere”"),
    "a folder of SAM-Audio that is there": (sam("sam-audio", "/etc"), "no SAM-Audio model “/etc”"),
    "a folder for MLX": (sam("sam_mlx", "/etc"), "cannot run yet"),
    "a folder for the official code": (sam("sam_official", "/etc"), "cannot run yet"),
    "settings that contradict each other": (sam(model=str(CHECKPOINT), **TOGETHER), "cannot be combined"),
    "settings that contradict each other, and no such model": (sam(model="medium", **TOGETHER), "cannot"),
    "a separator that is gone": (Request.of("drums", backend="spleeter"), "There is no backend “spleeter”"),
    "a separator that is gone, with a model": (Request.of("drums", backend="x", model="/etc"), "no backend “x”"),
    "a model that nobody has": (Request.of("drums", model="/etc"), "No backend here has the model"),
}


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    run_fakes.song(tmp_path / "song.wav", 0.5)
    return import_recording(tmp_path / "song.wav", ArtifactStore(tmp_path / "home"))


def stored(home: Path, key: str, values: Any) -> None:
    table = DraftTable(home)
    table.write(key, values)
    table.close()


@pytest.mark.parametrize("name", UNSETTLED)
async def test_settings_that_cannot_be_settled_are_said_and_can_be_dropped(
    name: str, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, said = UNSETTLED[name]
    draft = Draft.of(request)
    stored(tmp_path / "home", recording.key, draft.to_dict())
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={recording.key}")
        assert said in page.text and "song.wav" in page.text
        page.press(DROP)
        await page.until(lambda: said not in page.text, "the usual settings")
        assert DROP not in page.text
        assert DraftTable(tmp_path / "home").read(recording.key) == replace(draft, settings=Draft().settings).to_dict()


async def test_spans_beyond_the_end_of_the_recording_are_shown_and_kept(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = replace(sam(model=str(CHECKPOINT)), prompts=(Prompt(text="a dog", anchors=BEYOND),))
    draft = Draft.of(replace(marked, sam=SamSettings(only_inside=True)))
    stored(tmp_path / "home", recording.key, draft.to_dict())
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={recording.key}")
        assert "Separate 1 sound" in page.text
    assert DraftTable(tmp_path / "home").read(recording.key) == draft.to_dict()


UNREADABLE: dict[str, Any] = {
    "a setting that is unknown": Draft().to_dict() | {"settings": {"prompts": ["drums"], "mood": "sad"}},
    "a prompt that is too long": Draft().to_dict() | {"prompts": [{"text": "x" * 201, "anchors": []}]},
    "prompts that are none": Draft().to_dict() | {"prompts": 7},
    "no settings at all": {"prompts": []},
    "a span that ends before it starts": Draft().to_dict()
    | {"prompts": [{"text": "dog", "anchors": [{"sign": "+", "start_s": 2, "stop_s": 1}]}]},
    "settings of another kind": {"prompts": [], "settings": [1, 2]},
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_a_draft_that_cannot_be_read_is_said_and_can_be_dropped(
    name: str, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(tmp_path / "home", recording.key, UNREADABLE[name])
    said = "The sounds and settings of “song.wav” cannot be read any more"
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={recording.key}")
        assert said in page.text
        assert DraftTable(tmp_path / "home").read(recording.key) == UNREADABLE[name], "looking at it changes nothing"
        page.press("Start over")
        await page.until(lambda: said not in page.text, "the message gone")
        assert DraftTable(tmp_path / "home").read(recording.key) == Draft().to_dict()
        await page.open(f"/?recording={recording.key}")
        assert said not in page.text


async def test_results_of_separators_that_are_gone_and_of_settings_that_are_unknown_are_opened(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ArtifactStore(tmp_path / "home")
    configs = {
        "gone": Request.of("drums", backend="builtin").to_dict() | {"backend": "spleeter"},
        "unknown": Request.of("drums", backend="builtin").to_dict() | {"mood": "sad"},
        "folder": demucs("mine", "/nowhere").to_dict(),
        "long": Request.of("drums", backend="builtin").to_dict() | {"prompts": [{"text": "x" * 300, "anchors": []}]},
    }
    results = {name: result_on(recording, store, config, name) for name, config in configs.items()}
    said = {"gone": "spleeter · 1.0 s", "unknown": "Built-in separator · 1.0 s", "folder": "Demucs · 1.0 s"}
    said["long"] = "A prompt has 300 characters."
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        for name, result in results.items():
            await page.open(f"/?recording={recording.key}&result={result}")
            assert said[name] in page.text, name
        await page.open("/library")


def result_on(recording: Recording, store: ArtifactStore, config: dict[str, Any], name: str) -> str:
    """Keep a result of one track, the recording's own sound, with these settings; returns its key."""
    with store.scratch() as folder:
        for file, kept in (("0", recording.audio), ("0.peaks", recording.peaks)):
            (folder / file).write_bytes(kept.read_bytes())
        new = NewItem(
            kind="result",
            name="drums",
            files={file: folder / file for file in ("0", "0.peaks")},
            command="",
            inputs={"recording": recording.key},
            config=config,
            info={
                "sample_rate": recording.sample_rate,
                "n_channels": recording.n_channels,
                "n_samples": recording.n_samples,
                "tracks": ["drums"],
                "seconds": 1.0,
            },
        )
        return store.put(store.key("result", version=name), new).key


async def test_a_job_whose_settings_are_unknown_is_shown_and_can_be_discarded(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = JobTable(tmp_path / "home")
    settings = Request.of("drums").to_dict() | {"mood": "sad"}
    record = JobRecord(
        id="a" * 32,
        recording=recording.key,
        recording_name=recording.name,
        prompts=("x" * 300,),
        request=settings,
        position=1,
        state=JobState.INTERRUPTED,
        ended="2026-01-01T12:00:00+00:00",
    )
    table.write(record)
    table.close()
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={recording.key}")
        assert "song.wav" in page.text
        page.press("Discard")
        await page.until(lambda: "Discard" not in page.text, "the card gone")


ADDRESSES = (
    "/?recording={key}&prompts={long}",
    "/?recording={key}&prompts=%00,%ff,..%2f..%2f",
    "/?recording={key}&prompts=drums,DRUMS,drums",
    "/?recording={key}&result=../../etc/passwd",
    "/?recording={key}&result={key}",
    "/?recording=../../etc/passwd",
    "/?recording=%00",
    "/?recording={long}",
    "/?recording=" + "0" * 64,
    "/?recording={key}&folder=/etc&backend=demucs",
)


@pytest.mark.parametrize("address", ADDRESSES)
async def test_every_address_opens_a_page(
    address: str, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(address.format(key=recording.key, long="x" * 5000))
        assert "Studio" in page.text


@pytest.mark.long
def test_a_real_server_answers_with_a_page_whatever_is_stored(recording: Recording, tmp_path: Path) -> None:
    home, keys = tmp_path / "home", []
    drafts = (*(Draft.of(request).to_dict() for request, _ in UNSETTLED.values()), *UNREADABLE.values())
    for number, values in enumerate(drafts):
        run_fakes.song(tmp_path / f"{number}.wav", 0.1, seed=number)
        keys.append(import_recording(tmp_path / f"{number}.wav", ArtifactStore(home)).key)
        stored(home, keys[-1], values)
    with running_server(home=home) as server, httpx.Client(timeout=60) as browser:
        answers = [browser.get(f"{server.url}/?recording={key}") for key in keys]
        answers += [
            browser.get(server.url + address.format(key=recording.key, long="x" * 5000)) for address in ADDRESSES
        ]
        assert {(answer.status_code, answer.headers["content-type"]) for answer in answers} == {
            (200, "text/html; charset=utf-8")
        }
        assert "Traceback" not in server.log()
