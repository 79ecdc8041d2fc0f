"""From a sound that nothing here can separate to its separation: one button, its licence once, and no terminal."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pytest

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.backends import catalogue, demucs, offers
from separation.hub import licences, line, remembered, transfer
from separation.hub.cache import hub_folder
from separation.models.demucs import download as demucs_download
from separation.models.demucs import weights as demucs_weights
from separation.models.sam_audio import sources
from separation.request import ChunkSettings, Request, SolverSettings
from separation.results.runs import import_recording
from storage import ArtifactStore
from storage.records import DraftTable
from tests.support import demucs_models
from tests.support.fake_hub import TOKEN, installed
from tests.support.simulated import simulated_studio
from tests.support.split_models import OFFICIAL, publish_official, publish_split, tiny_codec_expected
from tests.support.typed import TYPED
from webapp.state.drafts import Draft

SMALL, CARD = "SAM-Audio small", "What can be downloaded"
COPY = "audioghostai/sam-audio-small"
GET, ACCEPT = r"Download SAM-Audio small, 1\.3 GB, and continue", f"Accept, download {SMALL} and continue"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub with ungated copies and Meta's gated files; nothing accepted, no token, nothing here."""
    monkeypatch.setattr(transfer, "PAUSES_S", (0.01, 0.01))
    monkeypatch.setattr(transfer, "REPORT_S", 0.0)
    tiny_codec_expected(monkeypatch)
    with installed(tmp_path, monkeypatch, accepted=False) as running:
        publish_official(running)
        publish_split(running)
        yield running


@pytest.fixture
def recording(hub, tmp_path):
    """Half a second of noise, with “dog barking” typed and few steps of the solver."""
    return kept(tmp_path, "dog barking")


def kept(tmp_path, *prompts):
    store = ArtifactStore(tmp_path / "home")
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 24_000)).astype(np.float32)
    encode(Waveform(noise, 48_000), tmp_path / "street.wav", "wav16")
    recording = import_recording(tmp_path / "street.wav", store)
    request = Request.of(*prompts, solver=SolverSettings(method="euler", n_steps=1), chunks=ChunkSettings(chunk_s=None))
    drafts = DraftTable(tmp_path / "home")
    drafts.write(recording.key, Draft.of(request).to_dict())
    drafts.close()
    return recording.key


@pytest.fixture
async def page(recording, tmp_path, monkeypatch):
    async with simulated_studio(tmp_path / "home", monkeypatch) as studio:
        yield await studio.open(f"/?recording={recording}")


def the_button(page, pattern=GET):
    (words,) = [words for words in page.buttons("get-offer") if re.fullmatch(pattern, words)]
    return words


@pytest.mark.long
async def test_one_press_after_the_licence_gets_the_model_and_separates(page, hub, recording, tmp_path):
    seen = [page.text]
    assert "SAM-Audio can do this: small, 1.3 GB. SAM Licence (Meta)." in page.of(CARD)
    page.press(the_button(page))
    seen.append(page.text)
    for words in ("audioghostai", "Redistribution", "Trade controls", "Acknowledgement"):
        assert words in page.of(CARD)
    assert not hub.asked
    hub.pause_s = 0.05
    page.press(ACCEPT)
    await page.until(lambda: "Getting the model" in page.text, "the download in the job's card")
    await page.until(lambda: re.search(r"sam-audio-small · .* of .* · then it separates", page.text), "its bytes")
    seen.append(page.text)
    hub.pause_s = 0.0
    await page.until(lambda: catalogue.entry("t5-base").on_disk_bytes, "the model")
    await page.until(lambda: not page.of(CARD), "the offer is gone")
    await page.until(lambda: "chunk 1 of 1" in page.text, "the separation")  # its end is for a browser to see
    seen.append(page.text)
    assert licences.is_accepted("SAM Licence")
    assert not [text for text in seen if TYPED.search(text)]


async def test_what_nobody_here_can_separate_is_said_once_with_one_link(page):
    def links_to_the_models():
        return page.links("See all models") + page.links("See what is missing on the Models page")

    assert the_button(page) and links_to_the_models() == ["/models"]
    row = page.prompts
    assert (row["note"], row["models"]) == ("", False) and "detail" not in row["prompts"][0]


async def test_beside_a_sound_that_is_possible_the_other_one_is_marked(hub, tmp_path, monkeypatch):
    key = kept(tmp_path, "drums", "dog barking")
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={key}")
        assert the_button(page)
        assert [chip.get("detail", "") for chip in page.prompts["prompts"]] == ["", "not available"]


async def test_an_accepted_licence_is_not_asked_about_again(hub, recording, tmp_path, monkeypatch):
    licences.accept("SAM Licence")
    remembered.remember(line.MEMORY, {"bytes_per_s": 5_000_000.0})
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={recording}")
        assert "about 4:2" in page.of(CARD) and "at the speed of the last download" in page.of(CARD)
        hub.pause_s = 0.05
        page.press(the_button(page))
        await page.until(lambda: "Getting the model" in page.text, "the download")
        page.press("Cancel", of="Getting the model")
        await page.until(lambda: "Cancelled" in page.text, "no download any more")
        hub.pause_s = 0.0


async def test_whoever_does_not_accept_gets_nothing(page, hub):
    page.press(the_button(page))
    page.press("Not now")
    assert the_button(page) and not hub.asked and not licences.is_accepted("SAM Licence")


async def test_a_download_that_fails_says_why_and_can_be_tried_again(page, hub):
    hub.damaged.add("audio_codec.safetensors")
    page.press(the_button(page))
    page.press(ACCEPT)
    await page.until(lambda: "not the published file" in page.text, "what went wrong")
    assert not TYPED.search(page.text)
    hub.damaged.clear()
    (words,) = [words for words in page.buttons("get-offer") if words.startswith("Download ")]
    page.press(words)
    await page.until(lambda: catalogue.entry("t5-base").on_disk_bytes, "the model")


async def test_a_guest_is_told_that_the_host_can_get_it(hub, recording, tmp_path, monkeypatch):
    async with simulated_studio(tmp_path / "home", monkeypatch, passcode="four calling birds") as page:
        await page.log_in("four calling birds")
        await page.open(f"/?recording={recording}&prompts=dog barking")
        assert "It can be downloaded on the computer that runs the studio" in page.of(CARD)
        assert not page.buttons("get-offer")


async def test_a_model_of_meta_alone_leads_to_the_steps_that_let_one_in(hub, recording, tmp_path, monkeypatch):
    sources.use(["facebook"])
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={recording}")
        assert "Access to it is granted per account" in page.of(CARD)
        assert page.links("See how to get access") == ["/models#sam-audio-small"]
        assert not page.buttons("get-offer")
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        licences.accept("SAM Licence")
        hub.refused.add(OFFICIAL)
        await page.open(f"/?recording={recording}")
        page.press(the_button(page, r"Download SAM-Audio small, 5\.5 GB, and continue"))
        await page.until(lambda: "is gated, and this computer has not been let in" in page.text, "what went wrong")
        assert page.links("Sign in to the hub") == ["/models#sam-audio-small"] and not TYPED.search(page.text)


async def test_demucs_is_offered_where_it_would_do_better(hub, tmp_path, monkeypatch):
    path = demucs_models.save_package(demucs_models.htdemucs(1), tmp_path / "955717e8.th", checksum=True)
    monkeypatch.setattr(demucs_weights, "published_files", lambda: {"955717e8": path.name})
    monkeypatch.setattr(demucs, "SIZES_MB", {"htdemucs": 84})
    hub.repositories["demucs"] = {path.name: path.read_bytes()}
    fetch = demucs_download.fetch
    monkeypatch.setattr(demucs_download, "fetch", lambda model: fetch(model, root_url=f"{hub.storage}/demucs/"))
    recording = kept(tmp_path, "drums")
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={recording}")
        assert "Demucs would do better here: htdemucs, 84 MB." in page.of(CARD)
        page.press(the_button(page, r"Download Demucs htdemucs, 84 MB, and continue"))
        await page.until(lambda: catalogue.entry("htdemucs").on_disk_bytes, "the model")
        await page.until(lambda: not page.of(CARD), "the offer is gone")


async def test_a_download_of_the_same_model_that_goes_on_already_is_waited_for(page, hub, recording):
    licences.accept("SAM Licence")
    held = transfer.only_here(catalogue_lock(hub))
    with held:
        page.press(the_button(page))
        await page.until(lambda: "Getting the model" in page.text, "the job")
        await page.until(lambda: hub.got("GET", "config.json"), "its first look")
        assert not catalogue.entry("sam-audio-small").on_disk_bytes and not page.all("error-card")
    await page.until(lambda: catalogue.entry("t5-base").on_disk_bytes, "the model")


def catalogue_lock(hub):
    """The lock that a download of the transformer's file holds."""
    digest = hashlib.sha256(hub.repositories[COPY]["model.fp16.safetensors"]).hexdigest()
    return hub_folder() / ".locks" / f"models--{COPY.replace('/', '--')}" / f"{digest}.lock"


# What is offered


def offered(*prompts, **settings):
    found = offers.offer(Request.of(*prompts, **settings))
    return found and (found.entry.name, found.better)


def test_what_nothing_here_can_do_is_offered_from_whoever_can(hub):
    assert offered("dog barking") == ("sam-audio-small", False)
    assert offered("drums") == ("htdemucs", True)
    assert offered("dog barking", backend="sam-audio", model="base") == ("sam-audio-base", False)
    assert offered("dog barking", backend="demucs") is None
    assert offered("drums", backend="builtin") is None


def test_what_is_here_is_not_offered(hub):
    licences.accept("SAM Licence")
    list(catalogue.download("sam-audio-small"))
    assert offered("dog barking") is None


def test_an_offer_tells_what_is_still_to_be_fetched_and_how_long_that_takes(hub):
    licences.accept("SAM Licence")
    assert 1.25e9 < offers.offer(Request.of("dog barking")).n_bytes < 1.4e9
    assert offers.offer(Request.of("dog barking")).seconds is None
    list(catalogue.download("t5-base"))
    remembered.remember(line.MEMORY, {"bytes_per_s": 1e6})
    found = offers.offer(Request.of("dog barking"))
    assert found.n_bytes < 0.9e9 and found.seconds == pytest.approx(found.n_bytes / 1e6)
