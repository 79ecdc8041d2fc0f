"""Downloaded weights of which a bit has changed: noticed before they are used, named, and fetched anew."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

import pytest

from separation.backends import catalogue, registry
from separation.backends.sam_torch import SamTorchBackend
from separation.errors import WeightsMissing
from separation.events import EventStream
from separation.hub import cache as hub
from separation.hub import compared, remembered
from separation.model import Readiness
from separation.models.sam_audio import sources
from separation.request import Request
from storage import data_folder
from tests.support.damage import flip, touched
from tests.support.fake_hub import installed
from tests.support.sam_models import CHECKPOINT, folder_with, tensors

NAME = "sam-audio-small"
TEXT = "t5-base"
A_MONTH_S = 30 * 24 * 3600.0
BACKEND = SamTorchBackend()


@pytest.fixture
def published(tmp_path, monkeypatch):
    """The tiny checkpoint as the hub has a published model, and its text encoder."""
    config = json.loads((CHECKPOINT / "config.json").read_text())
    config["text_encoder"]["name"] = TEXT
    with installed(tmp_path, monkeypatch) as running:
        sources.use(["facebook"])
        running.publish(
            f"facebook/{NAME}",
            {
                "config.json": json.dumps(config).encode(),
                "checkpoint.pt": (CHECKPOINT / "checkpoint.pt").read_bytes(),
            },
        )
        running.publish(TEXT, {file.name: file.read_bytes() for file in (CHECKPOINT / "t5").iterdir()})
        yield running


@pytest.fixture
def here(published):
    fetch()
    return published


def fetch(name=NAME):
    assert list(catalogue.download(name))


def request(model="small"):
    return BACKEND.settle(Request.of("voice", backend="sam_torch", model=model, device="cpu"))


def loaded(model="small"):
    stream = EventStream(BACKEND.load(request(model)))
    list(stream)
    return stream.result


def refused():
    with pytest.raises(WeightsMissing) as caught:
        loaded()
    return str(caught.value)


def blob(name, file):
    return next(one for one in catalogue.entry(name).files if one.name == file).resolve()


def change(file):
    """Change a bit, and the time of the file with it; `flip` alone is rot, which changes no time."""
    flip(file)
    touched(file)


def n_blocks_read(file, **options):
    return len(list(compared.compare(file, "model", **options)))


@pytest.mark.parametrize(
    "name, file", [(NAME, "checkpoint.pt"), (NAME, "config.json"), (TEXT, "model.safetensors"), (TEXT, "config.json")]
)
def test_a_file_of_which_a_bit_has_changed_is_refused_by_name_and_fetched_anew(here, name, file):
    loaded()
    change(blob(name, file))
    words = refused()
    assert file in words and name in words and "damaged" in words
    assert f"models download {name}" in words

    assert BACKEND.availability(request()).readiness is Readiness.NEEDS_WEIGHTS
    assert f"{file} of {name} is damaged" in refused()  # and from now on without reading it
    assert catalogue.entry(name).damaged == (file,) and catalogue.entry(name).path is None

    fetch()
    assert catalogue.entry(name).damaged == () and loaded()


def test_what_changed_between_the_download_and_the_first_use_is_noticed(here):
    change(blob(NAME, "checkpoint.pt"))
    assert "checkpoint.pt" in refused()


def test_what_another_program_downloaded_is_compared_at_its_first_use(here):
    (data_folder() / compared.MEMORY).unlink()
    flip(blob(NAME, "checkpoint.pt"))
    assert "checkpoint.pt" in refused()


def test_a_file_is_read_once_for_each_of_its_versions_and_again_after_a_month(here, monkeypatch):
    file = blob(NAME, "checkpoint.pt")
    assert n_blocks_read(file) == 0  # as it was compared when it arrived
    assert n_blocks_read(file, again=True) > 0
    os.utime(file, (1, 1))
    assert n_blocks_read(file) > 0
    assert n_blocks_read(file) == 0

    now_s = time.time()
    monkeypatch.setattr(time, "time", lambda: now_s + A_MONTH_S + 1)
    assert n_blocks_read(file) > 0
    assert n_blocks_read(file) == 0
    monkeypatch.setattr(time, "time", lambda: now_s)  # a clock that was put back
    assert n_blocks_read(file) > 0


def test_rot_is_noticed_after_a_month_and_whenever_a_person_asks(here, monkeypatch):
    flip(blob(NAME, "checkpoint.pt"))
    loaded()
    now_s = time.time()
    with monkeypatch.context() as later:
        later.setattr(time, "time", lambda: now_s + A_MONTH_S + 1)
        assert "checkpoint.pt" in refused()
    fetch()
    flip(blob(NAME, "checkpoint.pt"))
    stream = EventStream(catalogue.check(NAME))
    assert list(stream)
    assert stream.result == {"checkpoint.pt": False, "config.json": True}
    assert "checkpoint.pt" in refused()


def test_without_links_the_checksum_of_the_download_is_remembered(published, monkeypatch):
    def forbidden(*_):
        raise OSError("a privilege is missing")

    monkeypatch.setattr(Path, "symlink_to", forbidden)
    fetch()
    file = hub.cached(f"facebook/{NAME}", "checkpoint.pt")
    assert file is not None and file.resolve().name == "checkpoint.pt"
    change(file)
    assert "checkpoint.pt" in refused()
    fetch()
    assert loaded()


def test_of_a_folder_of_one_s_own_nobody_knows_what_was_published(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "BACKENDS", {"sam_torch": BACKEND})
    folder = folder_with(tmp_path / "own", tensors(), text=True)
    (weights,) = folder.glob("*.safetensors")
    assert compared.checksum_of(weights) == "" and n_blocks_read(weights) == 0
    change(weights)
    assert loaded(str(folder))


def test_what_was_compared_is_private_and_a_damaged_memory_only_costs_another_look(here):
    memory = data_folder() / compared.MEMORY
    if os.name == "posix":
        assert stat.S_IMODE(memory.stat().st_mode) == 0o600
    file = blob(NAME, "checkpoint.pt")
    for content in (b"\xff", b"[]", b'{"a": 1}', b'{"a": {"state": [1]}}'):
        memory.write_bytes(content)
        assert n_blocks_read(file) > 0
        assert n_blocks_read(file) == 0


def test_where_nothing_can_be_remembered_files_are_compared_at_each_use(here):
    memory = remembered.place(compared.MEMORY)
    memory.unlink()
    memory.mkdir()  # in the way
    file = blob(NAME, "checkpoint.pt")
    assert n_blocks_read(file) > 0
    assert n_blocks_read(file) > 0
    flip(file)
    assert "checkpoint.pt" in refused()
