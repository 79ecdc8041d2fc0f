"""Downloads of the server: paused, resumed, failed, removed, and what pages hear of it; from a hub that answers."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from separation.backends import catalogue
from separation.errors import SettingsError
from separation.events import ModelLoading
from separation.hub import transfer
from separation.model import PublishedModel
from separation.models.sam_audio import sources
from tests.support.fake_hub import TOKEN, installed
from tests.support.split_models import publish_text
from webapp.state.download import WINDOW_S, Download, DownloadState
from webapp.state.downloads import Downloads

LONG_S = 60.0  # nothing here takes a second on a free computer
SAM, T5 = "facebook/sam-audio-small", "t5-base"
SMALL, BASE = "sam-audio-small", "sam-audio-base"
WEIGHTS = bytes(range(256)) * 2000  # 512 kB


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "PAUSES_S", (0.01, 0.01))
    monkeypatch.setattr(transfer, "REPORT_S", 0.0)
    with installed(tmp_path, monkeypatch) as running:
        sources.use(["facebook"])
        for name in (SMALL, BASE):
            running.publish(f"facebook/{name}", {"config.json": b"{}", "checkpoint.pt": WEIGHTS})
            running.gated.add(f"facebook/{name}")
        publish_text(running)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield running


@pytest.fixture
async def downloads(hub):
    downloads = Downloads()
    yield downloads
    downloads.close()
    hub.pause_s = 0.0


async def until(condition):
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.005)


def is_here(name):
    return catalogue.entry(name).on_disk_bytes is not None


async def begun(downloads, hub, name=SMALL):
    """A download of which some bytes are here, and that takes for ever."""
    hub.pause_s = 0.05
    downloads.start(name)
    await until(lambda: downloads.of(name).done_bytes > 20_000)
    return downloads.of(name)


async def test_a_download_comes_to_its_end_with_what_it_needs_and_is_none_any_more(downloads):
    heard, looks = [], []
    downloads.changed.subscribe(heard.append)
    downloads.disk_changed.subscribe(lambda: looks.append(is_here(SMALL)))
    downloads.start(SMALL)
    await until(lambda: downloads.of(SMALL) is None)
    assert is_here(SMALL) and is_here(T5)
    assert heard and set(heard) == {SMALL}
    assert looks == [True]


async def test_a_paused_download_goes_on_from_its_bytes(downloads, hub):
    download = await begun(downloads, hub)
    downloads.pause(SMALL)
    assert download.state is DownloadState.PAUSED
    await until(lambda: downloads.running is None)
    kept = catalogue.entry(SMALL).partial_bytes
    assert 0 < kept < len(WEIGHTS)
    hub.pause_s = 0.0
    downloads.start(SMALL)
    await until(lambda: is_here(SMALL))
    assert any(headers.get("Range") == f"bytes={kept - 2}-" for headers in hub.got("GET", "checkpoint.pt"))


async def test_another_server_goes_on_from_what_one_left(downloads, hub):
    await begun(downloads, hub)
    downloads.close()
    await until(lambda: not any(thread.name == "download" for thread in threading.enumerate()))
    kept = catalogue.entry(SMALL).partial_bytes
    assert kept > 20_000
    hub.pause_s = 0.0
    after = Downloads()
    after.start(SMALL)
    await until(lambda: is_here(SMALL) and after.of(SMALL) is None)
    assert any(headers.get("Range") == f"bytes={kept - 2}-" for headers in hub.got("GET", "checkpoint.pt"))


async def test_resumed_before_its_thread_noticed_the_pause_it_simply_goes_on(downloads, hub):
    download = await begun(downloads, hub)
    downloads.pause(SMALL)
    downloads.start(SMALL)
    assert downloads.of(SMALL) is download and download.state is DownloadState.RUNNING
    hub.pause_s = 0.0
    await until(lambda: is_here(SMALL) and downloads.of(SMALL) is None)
    assert len(hub.got("GET", "/storage/facebook/sam-audio-small/checkpoint.pt")) == 1


async def test_one_follows_another_and_a_waiting_one_can_be_paused(downloads, hub):
    await begun(downloads, hub)
    downloads.start(BASE)
    assert downloads.of(BASE).state is DownloadState.WAITING
    downloads.start(BASE)
    downloads.pause(BASE)
    assert downloads.of(BASE).state is DownloadState.PAUSED
    downloads.start(BASE)
    hub.pause_s = 0.0
    await until(lambda: is_here(BASE))
    assert is_here(SMALL)


async def test_a_failed_download_says_why_and_the_next_one_starts(downloads, hub):
    hub.refused.add(SAM)
    downloads.start(SMALL)
    downloads.start(BASE)
    await until(lambda: is_here(BASE))
    failed = downloads.of(SMALL)
    assert failed.state is DownloadState.FAILED
    assert "gated" in failed.error.what and "accept the licence" in failed.error.todo
    assert TOKEN not in str(failed.error)
    hub.refused.clear()
    downloads.start(SMALL)
    await until(lambda: is_here(SMALL))


async def test_a_file_that_is_not_the_published_one_is_refused(downloads, hub):
    hub.damaged.add("checkpoint.pt")
    downloads.start(SMALL)
    await until(lambda: downloads.of(SMALL).state is DownloadState.FAILED)
    assert "is not the published file" in downloads.of(SMALL).error.what
    assert not is_here(SMALL)


async def test_a_lost_network_is_said_and_what_arrived_is_kept(downloads, hub):
    hub.drops["checkpoint.pt"] = [100_000, 0, 0, 0]
    downloads.start(SMALL)
    await until(lambda: downloads.of(SMALL).state is DownloadState.FAILED)
    assert downloads.of(SMALL).error.what == "The download was interrupted."
    assert catalogue.entry(SMALL).partial_bytes >= 100_000


async def test_a_disk_without_room_is_said_before_anything_is_fetched(downloads, hub, monkeypatch):
    monkeypatch.setattr(transfer, "SPARE_BYTES", 1 << 60)
    downloads.start(SMALL)
    await until(lambda: downloads.of(SMALL).state is DownloadState.FAILED)
    assert "not enough room" in downloads.of(SMALL).error.what
    assert not hub.got("GET", "checkpoint.pt")


async def test_a_folder_that_cannot_be_written_is_said_with_its_name(downloads, hub, tmp_path):
    (tmp_path / "hub").write_text("a file where a folder should be")
    downloads.start(SMALL)
    await until(lambda: downloads.of(SMALL).state is DownloadState.FAILED)
    error = downloads.of(SMALL).error
    what, why, todo = error.what, error.why, error.todo
    assert what == "What arrives cannot be kept." and str(tmp_path / "hub") in why and "HF_HOME" in todo


async def test_an_error_nobody_foresaw_is_an_error_of_ours_and_is_logged(downloads, monkeypatch, caplog):
    def broken(name):
        raise ZeroDivisionError
        yield

    monkeypatch.setattr(catalogue, "download", broken)
    downloads.start(SMALL)
    await until(lambda: downloads.of(SMALL).state is DownloadState.FAILED)
    assert downloads.of(SMALL).error.why == "ZeroDivisionError."
    assert "Traceback" in caplog.text


async def test_a_model_is_removed_and_what_others_need_stays(downloads):
    downloads.start(SMALL)
    await until(lambda: is_here(SMALL) and downloads.of(SMALL) is None)
    downloads.remove(SMALL)
    downloads.remove(SMALL)
    downloads.start(SMALL)
    assert downloads.removing(SMALL) and downloads.of(SMALL) is None
    await until(lambda: not downloads.removing(SMALL))
    assert not is_here(SMALL) and is_here(T5)


async def test_what_is_on_its_way_is_stopped_before_it_is_removed(downloads, hub):
    await begun(downloads, hub)
    downloads.remove(SMALL)
    await until(lambda: not downloads.removing(SMALL))
    assert downloads.of(SMALL) is None
    assert catalogue.entry(SMALL).partial_bytes == 0


async def test_what_cannot_be_removed_is_said(downloads, monkeypatch):
    def refuse(name):
        raise PermissionError(13, "Permission denied", "/models")

    monkeypatch.setattr(catalogue, "remove", refuse)
    downloads.remove(SMALL)
    await until(lambda: not downloads.removing(SMALL))
    error = downloads.of(SMALL).error
    assert (error.what, error.why) == (
        "It could not be deleted.",
        "The system says: Permission denied (/models).",
    )


async def test_a_model_that_does_not_exist_is_refused(downloads):
    for act in (downloads.start, downloads.remove):
        with pytest.raises(SettingsError, match="Choose one of"):
            act("sam-audio-huge")


def entry(name, size_bytes, partial_bytes=0):
    return PublishedModel(
        name=name,
        backend="sam-audio",
        model=None,
        label=name,
        size_bytes=size_bytes,
        licence="",
        gated=False,
        repository="",
        on_disk_bytes=None,
        partial_bytes=partial_bytes,
        needs=(),
        path=None,
    )


def test_progress_is_over_the_model_and_what_it_needs():
    download = Download(entry("model", 900), (entry("text", 100),))
    assert (download.done_bytes, download.total_bytes) == (0, 1000)
    download.note(ModelLoading(model="model"))
    download.note(ModelLoading(model="model", done_bytes=500, total_bytes=1000))
    assert (download.done_bytes, download.total_bytes, download.checking) == (500, 1100, False)
    download.note(ModelLoading(model="model", done_bytes=1000, total_bytes=1000))
    assert download.checking
    download.note(ModelLoading(model="text", done_bytes=10, total_bytes=80))
    assert (download.done_bytes, download.total_bytes, download.checking) == (1010, 1080, False)


def test_the_rate_counts_what_arrives_now_and_not_what_was_there():
    download = Download(entry("model", 10_000, partial_bytes=5000))
    for second in range(int(WINDOW_S) + 3):
        download.note(ModelLoading(model="model", done_bytes=5000 + 100 * second, total_bytes=10_000))
        download.sample(float(second))
    assert download.bytes_per_s == pytest.approx(100)
    assert download.remaining_s == pytest.approx((10_000 - download.done_bytes) / 100)


def test_the_rate_is_unknown_at_first_and_zero_where_nothing_arrives():
    download = Download(entry("model", 10_000))
    download.note(ModelLoading(model="model", done_bytes=1, total_bytes=10_000))
    download.sample(0.0)
    download.sample(0.1)
    assert download.bytes_per_s is None and download.remaining_s is None
    for second in range(1, 10):
        download.sample(float(second))
    assert download.bytes_per_s == 0 and download.remaining_s is None
