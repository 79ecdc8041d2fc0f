"""No page, card or panel names a command of a terminal, in any state that models and downloads can be in."""

from __future__ import annotations

import numpy as np
import pytest

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.backends import catalogue, registry
from separation.hub import licences, transfer
from separation.models.sam_audio import sources, text_encoder
from separation.request import Request
from separation.results.runs import import_recording
from storage import ArtifactStore
from storage.records import DraftTable
from tests.support.damage import flip
from tests.support.fake_hub import TOKEN, installed
from tests.support.simulated import simulated_studio
from tests.support.split_models import OFFICIAL, SMALL, T5, publish_official, publish_split, tiny_codec_expected
from tests.support.typed import TYPED
from webapp.state.drafts import Draft

PAGES = ("/", "/models", "/library", "/benchmark", "/compare", "/settings")
LABEL = "SAM-Audio small"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "PAUSES_S", (0.0,))
    monkeypatch.setattr(transfer, "REPORT_S", 0.0)
    tiny_codec_expected(monkeypatch)
    with installed(tmp_path, monkeypatch, accepted=False) as running:
        publish_official(running)
        publish_split(running)
        yield running


def nothing(hub, monkeypatch):
    """No model, no token, no licence accepted."""


def gated_only(hub, monkeypatch):
    sources.use(["facebook"])


def no_source(hub, monkeypatch):
    sources.use(["AEmotionStudio"])


def here(hub, monkeypatch):
    licences.accept("SAM Licence")
    list(catalogue.download("sam-audio-small"))


def without_codec(hub, monkeypatch):
    here(hub, monkeypatch)
    catalogue.remove("sam-audio-codec")


def without_text(hub, monkeypatch):
    here(hub, monkeypatch)
    catalogue.remove(T5)


def damaged(hub, monkeypatch):
    here(hub, monkeypatch)
    flip(text_encoder.own_folder() / "model.safetensors")
    for _ in catalogue.check(T5):
        pass


STATES = [nothing, gated_only, no_source, here, without_codec, without_text, damaged]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_pages_and_every_separator_in_the_studio(hub, tmp_path, monkeypatch, state):
    state(hub, monkeypatch)
    recording = kept(tmp_path)
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        for path in PAGES:
            await page.open(path)
            if path == "/models":
                await page.until(lambda: page.of(LABEL), "the models")
            assert not TYPED.search(page.text), path
        await page.open(f"/?recording={recording}")
        for backend in ("auto", "sam-audio", *registry.BACKENDS):
            page.set("backend", backend)
            assert not TYPED.search(page.text), backend


def refused(hub):
    hub.refused.add(OFFICIAL)
    sources.use(["facebook"])


def mistyped(hub):
    """The token is none of this hub's."""


def gone(hub):
    hub.repositories.pop(SMALL, None)
    sources.use(["audioghostai"])


def other_tensors(hub):
    hub.repositories[SMALL]["model.fp16.safetensors"] = b"\x08\0\0\0\0\0\0\0{}      "
    sources.use(["audioghostai"])


def broken_line(hub):
    hub.drops["checkpoint.pt"] = [50_000, 0, 0, 0]


def damaged_on_the_way(hub):
    hub.damaged.add("checkpoint.pt")


FAILURES = [refused, mistyped, gone, other_tensors, broken_line, damaged_on_the_way]


@pytest.mark.parametrize("fail", FAILURES, ids=lambda fail: fail.__name__)
async def test_downloads_that_fail_on_the_models_page_and_in_a_job(hub, tmp_path, monkeypatch, fail):
    licences.accept("SAM Licence")
    monkeypatch.setenv("HF_TOKEN", "hf_mistyped" if fail is mistyped else TOKEN)
    fail(hub)
    recording = kept(tmp_path)
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open("/models")
        await page.until(lambda: page.of(LABEL), "the models")
        page.press("Download", of=LABEL)
        await page.until(lambda: page.of(LABEL, "pill") == "Failed", "what went wrong")
        assert page.of(LABEL, "error-card") and not TYPED.search(page.text), page.text
        await page.open(f"/?recording={recording}")
        fail(hub)  # again: what broke once may be whole now
        (get,) = [words for words in page.buttons("get-offer") if words.startswith("Download ")]
        page.press(get)
        await page.until(lambda: page.all("error-card"), "what went wrong, in the Studio")
        assert not TYPED.search(page.text), page.text


def kept(tmp_path):
    """A kept recording with “dog barking” typed."""
    store = ArtifactStore(tmp_path / "home")
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 24_000)).astype(np.float32)
    encode(Waveform(noise, 48_000), tmp_path / "street.wav", "wav16")
    recording = import_recording(tmp_path / "street.wav", store)
    drafts = DraftTable(tmp_path / "home")
    drafts.write(recording.key, Draft.of(Request.of("dog barking")).to_dict())
    drafts.close()
    return recording.key
