"""Demucs files that are missing, damaged, unknown or downloaded."""

from __future__ import annotations

import hashlib
import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from separation.audio.waveform import Waveform
from separation.backends.demucs import DemucsBackend
from separation.errors import (
    BackendUnavailable,
    SettingsError,
    WeightsMissing,
)
from separation.events import ModelLoading
from separation.hub import transfer
from separation.model import Readiness
from separation.models.demucs import weights as demucs_weights
from separation.models.demucs.download import fetch, on_disk, remove
from separation.pipeline.separate import extract
from tests.support import demucs_models as tiny
from tests.support import fake_hub
from tests.support.damage import flip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_all(tmp_path_factory.mktemp("models"))


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty caches: no published weights on this computer."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def test_missing_weights_are_named_with_size_and_licence(caches: Path) -> None:
    availability = DemucsBackend().availability(tiny.request("htdemucs", None))
    assert availability.readiness is Readiness.NEEDS_WEIGHTS
    assert "84 MB" in availability.sentence
    assert "MIT" in availability.sentence
    with pytest.raises(WeightsMissing, match="not on this computer"):
        tiny.loaded(tiny.request("htdemucs", None))


def test_asking_what_is_available_opens_no_connection_and_imports_no_torch(tmp_path: Path) -> None:
    program = """
import socket, sys
def refuse(*_, **__): raise AssertionError("a connection was opened")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from separation.backends.demucs import DemucsBackend
from separation.request import Request
backend = DemucsBackend()
for model in (*backend.models(), "955717e8"):
    wanted = Request.of("drums", backend="demucs", model=model)
    assert not backend.availability(wanted).usable, model
    assert backend.revision(wanted) and backend.targets(wanted)
loaded = [name for name in ("torch", "demucs", "numba", "distributed") if name in sys.modules]
assert not loaded, loaded
"""
    environment = os.environ | {"HF_HOME": str(tmp_path), "TORCH_HOME": str(tmp_path)}
    finished = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


def test_published_weights_are_found_where_each_version_of_demucs_puts_them(caches: Path) -> None:
    backend = DemucsBackend()
    wanted = tiny.request("htdemucs", None)
    revision = backend.revision(wanted)
    checkpoint = caches / "torch/hub/checkpoints/955717e8-8726e21a.th"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    assert demucs_weights.find_demucs("htdemucs").paths == (checkpoint,)
    repository = caches / "hub/models--adefossez--HTDemucs"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs/main").write_text("abc")
    safe = repository / "snapshots/abc/955717e8.safetensors"
    safe.parent.mkdir(parents=True)
    safe.touch()
    assert demucs_weights.find_demucs("htdemucs").paths == (safe,)
    assert backend.availability(wanted).usable
    assert backend.revision(wanted) == revision  # a signature stands for its content, wherever it lies


def test_loading_a_model_from_this_computer_opens_no_connection(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    events, model = tiny.run(DemucsBackend().load(tiny.request("bag", folder)))
    assert model.facts.model == "bag"
    size = sum((folder / name).stat().st_size for name in ("transformer.th", next(folder.glob("second-*")).name))
    loading = [event for event in events if isinstance(event, ModelLoading)]
    assert loading[0] == ModelLoading(model="bag", done_bytes=0, total_bytes=size)
    assert loading[-1] == ModelLoading(model="bag", done_bytes=size, total_bytes=size)


def test_a_damaged_file_is_named(tmp_path: Path, folder: Path) -> None:
    content = (folder / "transformer.th").read_bytes()
    (tmp_path / "cut.th").write_bytes(content[: len(content) // 2])
    (tmp_path / "empty.safetensors").touch()
    for model in ("cut", "empty"):
        with pytest.raises(BackendUnavailable, match=f"{model}.* cannot be read"):
            tiny.loaded(tiny.request(model, tmp_path))
        with pytest.raises(BackendUnavailable, match=f"{model}.*read"):
            DemucsBackend().targets(tiny.request(model, tmp_path, "drums"))


def test_a_file_that_does_not_agree_with_the_checksum_in_its_name_is_not_loaded(tmp_path: Path, folder: Path) -> None:
    shutil.copy(folder / "transformer.th", tmp_path / "mine-01234567.th")
    with pytest.raises(BackendUnavailable, match="checksum"):
        tiny.loaded(tiny.request("mine", tmp_path))


def in_the_hub_s_cache(caches: Path, network: object) -> Path:
    """A network as the hub's cache has it: under its checksum, with a link that has its name."""
    repository = caches / "hub/models--adefossez--HTDemucs"
    for folder in ("refs", "blobs", "snapshots/abc"):
        (repository / folder).mkdir(parents=True)
    (repository / "refs/main").write_text("abc")
    made = tiny.save_safetensors(network, repository / "blobs/made")
    blob = made.rename(made.with_name(hashlib.sha256(made.read_bytes()).hexdigest()))
    (repository / "snapshots/abc/955717e8.safetensors").symlink_to(Path("../../blobs") / blob.name)
    return blob


@pytest.mark.skipif(sys.platform == "win32", reason="the cache has no links there")
def test_a_published_network_of_which_a_bit_has_changed_is_not_loaded(caches: Path) -> None:
    blob = in_the_hub_s_cache(caches, tiny.htdemucs())
    tiny.loaded(tiny.request("htdemucs", None))
    flip(blob)
    with pytest.raises(BackendUnavailable, match=r"955717e8\.safetensors cannot be read\..*checksum.*get it again"):
        tiny.loaded(tiny.request("htdemucs", None))


def test_weights_that_do_not_fit_their_network_are_refused(tmp_path: Path) -> None:
    network = tiny.htdemucs()
    package = tiny.package(network)
    package["state"].popitem()
    torch.save(package, tmp_path / "partial.th")
    with pytest.raises(BackendUnavailable, match=r"partial\.th cannot be read"):
        tiny.loaded(tiny.request("partial", tmp_path))


def test_a_bag_that_lacks_a_network_or_mixes_stems_says_so(tmp_path: Path) -> None:
    tiny.save_package(tiny.htdemucs(), tmp_path / "four.th")
    tiny.save_package(tiny.htdemucs(0, tiny.SIX), tmp_path / "six.th")
    tiny.save_bag(tmp_path / "lacking.yaml", ["four", "absent"])
    tiny.save_bag(tmp_path / "mixed.yaml", ["four", "six"])
    (tmp_path / "broken.yaml").write_text("models: [")
    availability = DemucsBackend().availability(tiny.request("lacking", tmp_path))
    assert availability.readiness is Readiness.NEEDS_WEIGHTS
    assert "absent" in availability.sentence
    with pytest.raises(BackendUnavailable, match="do not go together"):
        tiny.loaded(tiny.request("mixed", tmp_path))
    with pytest.raises(BackendUnavailable, match=r"broken\.yaml cannot be read"):
        tiny.loaded(tiny.request("broken", tmp_path))


def test_an_unknown_model_or_folder_is_an_error_that_lists_the_known_ones(folder: Path) -> None:
    with pytest.raises(SettingsError, match="htdemucs_ft"):
        DemucsBackend().availability(tiny.request("htdemux", None))
    with pytest.raises(SettingsError, match="transformer"):
        DemucsBackend().availability(tiny.request("htdemux", folder))
    with pytest.raises(SettingsError, match="no folder"):
        DemucsBackend().availability(tiny.request("transformer", folder / "nowhere"))


def test_a_quantised_model_asks_for_diffq(caches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffq", None)  # as if it were not installed
    availability = DemucsBackend().availability(tiny.request("mdx_q", None))
    assert availability.readiness is Readiness.NOT_INSTALLED
    assert "pip install diffq" in str(availability)
    package = tiny.package(tiny.htdemucs())
    package["state"] = {"__quantized": True}
    torch.save(package, tmp_path / "packed.th")
    with pytest.raises(BackendUnavailable, match="pip install diffq"):
        tiny.loaded(tiny.request("packed", tmp_path))


def test_a_replaced_file_in_a_folder_changes_the_revision(tmp_path: Path) -> None:
    path = tiny.save_package(tiny.htdemucs(1), tmp_path / "mine.th")
    before = DemucsBackend().revision(tiny.request("mine", tmp_path))
    assert DemucsBackend().revision(tiny.request("mine", tmp_path)) == before
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert DemucsBackend().revision(tiny.request("mine", tmp_path)) != before


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server on loopback, and the folder it serves."""
    root = tmp_path / "served"
    root.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    serving = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *arguments: Quiet(*arguments, directory=str(root))
    )
    thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}/", root
    serving.shutdown()
    thread.join()
    serving.server_close()


def kept(caches: Path) -> list[Path]:
    """Files of weights in the torch hub cache, finished or not."""
    return [path for path in (caches / "torch").rglob("*") if path.is_file() and path.suffix != ".lock"]


@pytest.fixture
def published(caches: Path, server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny network published as `955717e8` on the server; returns its file there."""
    path = tiny.save_package(tiny.htdemucs(1), server[1] / "955717e8.th", checksum=True)
    monkeypatch.setattr(demucs_weights, "published_files", lambda: {"955717e8": path.name})
    return path


def test_a_damaged_file_is_missing_from_then_on_and_fetched_anew(
    caches: Path, server: tuple[str, Path], published: Path
) -> None:
    tiny.run(fetch("htdemucs", root_url=server[0]))
    (file,) = kept(caches)
    flip(file)
    with pytest.raises(BackendUnavailable, match=r"955717e8-.*\.th cannot be read\..*checksum"):
        tiny.loaded(tiny.request("htdemucs", None))
    availability = DemucsBackend().availability(tiny.request("htdemucs", None))
    assert availability.readiness is Readiness.NEEDS_WEIGHTS
    assert f"{file.name} of htdemucs is damaged" in availability.sentence
    tiny.run(fetch("htdemucs", root_url=server[0]))
    assert tiny.loaded(tiny.request("htdemucs", None))


def test_fetched_weights_are_checked_reported_in_bytes_and_usable(
    caches: Path, server: tuple[str, Path], published: Path
) -> None:
    events, _ = tiny.run(fetch("htdemucs", root_url=server[0]))
    size = published.stat().st_size
    assert events[-1] == ModelLoading(model="htdemucs", done_bytes=size, total_bytes=size)
    done = [event.done_bytes for event in events]
    assert done == sorted(done)
    stems = extract(Waveform(tiny.noise(tiny.SEGMENT), tiny.SAMPLE_RATE), tiny.request("htdemucs", None))
    assert set(tiny.FOUR) <= set(stems)
    again, _ = tiny.run(
        fetch("htdemucs", root_url="http://127.0.0.1:1/")
    )  # nothing is missing, so nothing is asked for
    assert len(again) == 1


def test_a_changed_download_is_refused_and_leaves_nothing(
    caches: Path, server: tuple[str, Path], published: Path
) -> None:
    published.write_bytes(published.read_bytes()[:-1] + b"?")
    with pytest.raises(BackendUnavailable, match="not the published file"):
        tiny.run(fetch("htdemucs", root_url=server[0]))
    assert kept(caches) == []


def test_a_cancelled_download_is_kept_and_continued(
    caches: Path, server: tuple[str, Path], published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "REPORT_S", 0.0)
    steps = fetch("htdemucs", root_url=server[0])
    assert any(isinstance(event, ModelLoading) and event.done_bytes for event in steps)
    steps.close()
    (part,) = kept(caches)
    assert published.read_bytes().startswith(part.read_bytes()) and part.stat().st_size
    assert not DemucsBackend().availability(tiny.request("htdemucs", None)).usable
    assert on_disk("htdemucs") == part.stat().st_size
    tiny.run(fetch("htdemucs", root_url=server[0]))
    assert [path.name for path in kept(caches)] == [published.name]
    assert DemucsBackend().availability(tiny.request("htdemucs", None)).usable


def test_a_connection_that_breaks_every_time_is_said_to_be_that(
    caches: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "PAUSES_S", ())
    hub = fake_hub.Hub(drops={published.name: [0]})
    hub.repositories["demucs"] = {published.name: published.read_bytes()}
    with fake_hub.serve(hub), pytest.raises(transfer.Interrupted, match="continue"):
        tiny.run(fetch("htdemucs", root_url=f"{hub.storage}/demucs/"))


def test_a_file_that_is_listed_and_refused_is_explained(caches: Path, published: Path) -> None:
    hub = fake_hub.Hub(failing=[403])  # for the file, not for how long it is
    hub.repositories["demucs"] = {published.name: published.read_bytes()}
    with fake_hub.serve(hub), pytest.raises(BackendUnavailable, match="Connect to the internet"):
        tiny.run(fetch("htdemucs", root_url=f"{hub.storage}/demucs/"))


def test_removing_a_model_empties_both_caches_of_it_and_of_nothing_else(
    caches: Path, server: tuple[str, Path], published: Path
) -> None:
    tiny.run(fetch("htdemucs", root_url=server[0]))
    repository = caches / "hub/models--adefossez--HTDemucs"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs/main").write_text("abc")
    (repository / "snapshots/abc").mkdir(parents=True)
    (repository / "snapshots/abc/955717e8.safetensors").write_bytes(bytes(50))
    others = [caches / "torch/hub/checkpoints/resnet.pth", caches / "hub/models--adefossez--HTDemucs-ft/refs/main"]
    for other in others:
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_text("mine")
    assert on_disk("htdemucs") == published.stat().st_size + 50
    assert remove("htdemucs") == published.stat().st_size + 50
    assert demucs_weights.find_demucs("htdemucs").missing == ("955717e8",)
    assert on_disk("htdemucs") == remove("htdemucs") == 0
    assert all(other.read_text() == "mine" for other in others)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "{server}nowhere/"])
def test_an_unreachable_server_is_explained(
    address: str, caches: Path, server: tuple[str, Path], published: Path
) -> None:
    with pytest.raises(BackendUnavailable, match="Connect to the internet"):
        tiny.run(fetch("htdemucs", root_url=address.format(server=server[0])))
