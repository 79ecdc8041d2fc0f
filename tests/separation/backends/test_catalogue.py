"""The catalogue of models: complete, honest about what is here, and able to fetch and delete every kind."""

from __future__ import annotations

import json
import socket

import pytest

from separation.backends import catalogue, demucs, registry
from separation.backends.sam_torch import SamTorchBackend
from separation.errors import BackendUnavailable, SettingsError, WeightsMissing, with_action
from separation.events import ModelLoading
from separation.hub import transfer
from separation.models import folders
from separation.models.demucs import download as demucs_download
from separation.models.demucs import weights as demucs_weights
from separation.models.sam_audio import sources
from separation.models.sam_audio import weights as sam_weights
from separation.models.sam_audio.config import read_config
from separation.models.sam_audio.pytorch.text import T5TextEncoder
from separation.request import Request
from tests.support import demucs_models
from tests.support.fake_hub import TOKEN, installed
from tests.support.sam_models import CHECKPOINT, tensors, tiny_config
from tests.support.split_models import stored

SAM = "facebook/sam-audio-small"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with installed(tmp_path, monkeypatch) as running:
        yield running


@pytest.fixture
def published(hub, monkeypatch):
    """The tiny SAM-Audio as the small one, gated, and its text encoder as T5-base."""
    config = tiny_config()
    config["text_encoder"]["name"] = "t5-base"
    checkpoint = (CHECKPOINT / "checkpoint.pt").read_bytes()
    hub.publish(SAM, {"config.json": json.dumps(config).encode(), "checkpoint.pt": checkpoint, "README.md": b"#"})
    hub.publish("google-t5/t5-base", {path.name: path.read_bytes() for path in (CHECKPOINT / "t5").iterdir()})
    hub.moved["t5-base"] = "google-t5/t5-base"
    hub.gated.add(SAM)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return hub


def usable(model="small"):
    return SamTorchBackend().availability(Request.of("violin", backend="sam_torch", model=model)).usable


def test_every_model_of_every_backend_is_listed_once_with_what_it_needs(hub):
    sources.use(["facebook"])
    known = catalogue.entries()
    names = [one.name for one in known]
    assert len(set(names)) == len(names)
    assert {one.model for one in known if one.backend == "demucs"} == set(demucs.DemucsBackend().models())
    assert {one.model for one in known if one.backend == "sam-audio"} - {None} == set(SamTorchBackend().models())
    assert all(one.size_bytes > 10**7 and one.licence and one.repository and one.label for one in known)
    assert all(need in names for one in known for need in one.needs)
    assert {one.name for one in known if one.gated} == {one.name for one in known if one.needs}
    assert all(one.on_disk_bytes is None and one.path is None and one.partial_bytes == 0 for one in known)


@pytest.mark.parametrize("order", [["facebook"], [name for name in sources.PUBLISHERS if name != "facebook"]])
def test_one_model_is_listed_as_among_all_with_the_parts_that_it_needs(hub, order):
    sources.use(order)
    for backend in registry.BACKENDS.values():
        known = backend.published()
        for entry in (one for one in known if one.model is not None):
            assert backend.published(entry.model) == (entry, *(one for one in known if one.name in entry.needs))
        assert backend.published("no such model") == ()


def test_listing_opens_no_connection(hub, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert catalogue.entries()


def test_a_gated_model_comes_with_its_text_encoder_and_can_then_be_used(published):
    assert not usable()
    events = list(catalogue.download("sam-audio-small"))
    assert {event.model for event in events} == {"sam-audio-small", "t5-base"}
    found = sam_weights.find_sam_audio("small")
    assert found.usable and usable()
    small, text = catalogue.entry("sam-audio-small"), catalogue.entry("t5-base")
    assert small.path == found.folder and (small.path / "checkpoint.pt").is_file()
    assert small.on_disk_bytes == sum(
        len(published.repositories[SAM][name]) for name in ("config.json", "checkpoint.pt")
    )
    assert text.on_disk_bytes > 0
    assert not published.got("GET", "README.md")


def test_the_downloaded_text_encoder_is_the_one_transformers_reads(published):
    list(catalogue.download("sam-audio-small"))
    folder = catalogue.entry("sam-audio-small").path
    features, mask = T5TextEncoder(read_config(folder).text_encoder, folder).encode(["man speaking"])
    assert features.shape[:2] == mask.shape and features.abs().max() > 0


def test_a_model_without_its_text_encoder_says_which_command_gets_it(published):
    list(catalogue.download("sam-audio-small"))
    assert catalogue.remove("t5-base") > 0
    assert not usable()
    found = sam_weights.find_sam_audio("small")
    assert found.missing_text == "t5-base"
    assert "audio-playground models download t5-base" in with_action(*found.how_to_get())
    events = list(catalogue.download("sam-audio-small"))
    assert usable()
    size = catalogue.entry("sam-audio-small").on_disk_bytes
    assert events[0] == ModelLoading(model="sam-audio-small", done_bytes=size, total_bytes=size)


def test_a_text_encoder_is_here_only_with_its_weights_and_tokenizer(published):
    list(catalogue.download("sam-audio-small"))
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        (catalogue.entry("t5-base").path / name).unlink()
        assert sam_weights.find_sam_audio("small").missing_text == "t5-base"
        catalogue.remove("t5-base")
        list(catalogue.download("t5-base"))


def test_an_absent_model_says_every_step_up_to_the_command(hub):
    sources.use(["facebook"])
    sentence = with_action(*sam_weights.find_sam_audio("base").how_to_get())
    for step in ("7.7 GB", "gated", "facebook/sam-audio-base", "licence", "read token", "hf auth login"):
        assert step in sentence
    assert "audio-playground models download sam-audio-base" in sentence


def test_a_folder_whose_text_encoder_is_not_published_says_where_its_files_go(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(tiny_config()))
    (tmp_path / "model.safetensors").write_bytes(stored(tensors()))
    folders.name_folder(tmp_path)
    found = sam_weights.find_sam_audio(str(tmp_path))
    assert found.missing_text == "t5" and str(tmp_path / "t5") in with_action(*found.how_to_get())


def test_a_refused_model_fetches_nothing_of_what_it_needs_either(published):
    sources.use(["facebook"])
    published.refused.add(SAM)
    with pytest.raises(WeightsMissing, match="accept the licence"):
        list(catalogue.download("sam-audio-small"))
    assert not published.got("GET", "tokenizer.json")


def test_a_download_that_broke_off_shows_what_is_kept(published, monkeypatch):
    monkeypatch.setattr(transfer, "PAUSES_S", (0.0,))
    published.drops["checkpoint.pt"] = [100_000, 0, 0]
    with pytest.raises(BackendUnavailable):
        list(catalogue.download("sam-audio-small"))
    broken = catalogue.entry("sam-audio-small")
    assert broken.on_disk_bytes is None and broken.partial_bytes >= 100_000
    assert catalogue.remove("sam-audio-small") == broken.partial_bytes
    assert catalogue.entry("sam-audio-small").partial_bytes == 0


def test_removing_a_model_keeps_what_others_need(published):
    list(catalogue.download("sam-audio-small"))
    size = catalogue.entry("sam-audio-small").on_disk_bytes
    assert catalogue.remove("sam-audio-small") == size
    assert catalogue.entry("sam-audio-small").on_disk_bytes is None
    assert catalogue.entry("t5-base").on_disk_bytes


def test_demucs_is_fetched_listed_and_removed_like_the_others(hub, tmp_path, monkeypatch):
    path = demucs_models.save_package(demucs_models.htdemucs(1), tmp_path / "955717e8.th", checksum=True)
    monkeypatch.setattr(demucs_weights, "published_files", lambda: {"955717e8": path.name})
    monkeypatch.setattr(demucs, "SIZES_MB", {"htdemucs": 84})
    hub.repositories["demucs"] = {path.name: path.read_bytes()}
    fetch = demucs_download.fetch
    monkeypatch.setattr(demucs_download, "fetch", lambda model: fetch(model, root_url=f"{hub.storage}/demucs/"))
    events = list(catalogue.download("htdemucs"))
    assert events[-1].done_bytes == events[-1].total_bytes == path.stat().st_size
    one = catalogue.entry("htdemucs")
    assert one.on_disk_bytes == path.stat().st_size and (one.path / path.name).is_file()
    assert catalogue.remove("htdemucs") == path.stat().st_size
    assert catalogue.entry("htdemucs").path is None


@pytest.mark.parametrize("act", [catalogue.entry, catalogue.remove, lambda name: list(catalogue.download(name))])
def test_only_models_of_the_catalogue_are_touched(hub, tmp_path, act):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "checkpoint.pt").write_text("mine")
    for name in (str(mine), "sam-audio-huge", "small"):
        with pytest.raises(SettingsError, match=r"Choose one of: htdemucs, .*t5-base"):
            act(name)
    assert (mine / "checkpoint.pt").read_text() == "mine"
