"""Downloads from a hub that really answers, breaks off, lies and refuses; the cache they leave; deleting it."""

from __future__ import annotations

import errno
import logging
import os
import random
import shutil
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import HfApi, constants, hf_hub_download, scan_cache_dir, try_to_load_from_cache

from separation.errors import BackendUnavailable, WeightsMissing
from separation.events import ModelLoading
from separation.hub import cache as hub
from separation.hub import transfer
from separation.hub.cache import Source
from tests.support.fake_hub import TOKEN, installed

REPOSITORY = "someone/model"
SOURCE = Source(repository=REPOSITORY, needed=("config.json", "checkpoint.pt"), also=("extra.json",))
WEIGHTS = random.Random(0).randbytes(300_000)
FILES = {"config.json": b'{"a": 1}', "checkpoint.pt": WEIGHTS, "flax.msgpack": b"x" * 9}
SIZE = len(WEIGHTS) + len(FILES["config.json"])


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(transfer, "PAUSES_S", (0.01, 0.01))
    monkeypatch.setattr(transfer, "REPORT_S", 0.0)


@pytest.fixture
def fake(tmp_path, monkeypatch):
    with installed(tmp_path, monkeypatch) as running:
        yield running


@pytest.fixture
def published(fake):
    fake.publish(REPOSITORY, FILES)
    return fake


def fetched(source=SOURCE, **options):
    """All events of a download."""
    return list(hub.download(source, "model", **options))


def refusal(kind=BackendUnavailable, **options):
    with pytest.raises(kind) as caught:
        fetched(**options)
    return caught.value


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file() or path.is_symlink())


# What arrives


def test_only_the_files_of_the_model_arrive_and_their_bytes_are_those_published(published):
    fetched()
    folder = hub.find_snapshot(SOURCE)
    assert files_in(folder) == ["checkpoint.pt", "config.json"]
    assert all((folder / name).read_bytes() == FILES[name] for name in files_in(folder))
    assert not published.got("GET", "flax.msgpack")


def test_other_programs_find_what_was_downloaded_without_the_network(published, tmp_path, monkeypatch):
    fetched()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    path = hf_hub_download(REPOSITORY, "checkpoint.pt")
    assert Path(path).read_bytes() == WEIGHTS
    assert path == try_to_load_from_cache(REPOSITORY, "checkpoint.pt") == str(hub.cached(REPOSITORY, "checkpoint.pt"))
    cache = scan_cache_dir(tmp_path / "hub")
    (repository,) = cache.repos
    assert not cache.warnings and repository.repo_id == REPOSITORY
    assert repository.size_on_disk == SIZE == hub.on_disk(REPOSITORY)
    assert {ref for revision in repository.revisions for ref in revision.refs} == {"main"}


def test_what_another_program_downloaded_is_found_and_not_fetched_again(published):
    for name in SOURCE.needed:
        hf_hub_download(REPOSITORY, name)
    assert hub.find_snapshot(SOURCE) is not None
    published.asked.clear()
    fetched()
    assert not published.got("GET", "checkpoint.pt")


def test_progress_counts_bytes_over_all_files_up_to_the_total(published):
    events = fetched()
    assert events[0] == ModelLoading(model="model")
    assert events[-1] == ModelLoading(model="model", done_bytes=SIZE, total_bytes=SIZE)
    done = [event.done_bytes for event in events]
    assert done == sorted(done) and len(set(done)) > 3
    assert {event.total_bytes for event in events[1:]} == {SIZE}


def test_files_in_parts_and_optional_files_are_matched_by_pattern(fake):
    parts = {f"model-0000{i}-of-00002.safetensors": bytes([i]) * 1000 for i in (1, 2)}
    fake.publish(REPOSITORY, {"config.json": b"{}", "extra.json": b"[]", "folder/other.safetensors": b"no", **parts})
    source = Source(repository=REPOSITORY, needed=("config.json", "*.safetensors"), also=("extra.json", "absent.json"))
    fetched(source)
    assert files_in(hub.find_snapshot(source)) == ["config.json", "extra.json", *sorted(parts)]


def test_a_repository_that_moved_is_followed(published):
    published.moved["model"] = REPOSITORY
    source = Source(repository="model", needed=SOURCE.needed)
    fetched(source)
    assert hub.find_snapshot(source) is not None and hub.find_snapshot(SOURCE) is None


def test_a_newer_commit_takes_over_only_when_it_is_complete(published):
    fetched()
    old = hub.find_snapshot(SOURCE)
    published.publish(REPOSITORY, {**FILES, "checkpoint.pt": WEIGHTS[::-1]})
    published.drops["checkpoint.pt"] = [0] * 9
    refusal()
    assert hub.find_snapshot(SOURCE) == old
    published.drops.clear()
    fetched()
    assert (hub.find_snapshot(SOURCE) / "checkpoint.pt").read_bytes() == WEIGHTS[::-1]


def test_without_links_the_files_lie_in_the_snapshot(published, monkeypatch):
    def forbidden(*_):
        raise OSError("a privilege is missing")

    monkeypatch.setattr(Path, "symlink_to", forbidden)
    fetched()
    assert (hub.find_snapshot(SOURCE) / "checkpoint.pt").read_bytes() == WEIGHTS
    assert hub.on_disk(REPOSITORY) == SIZE
    published.asked.clear()
    fetched()
    assert not published.got("GET", "checkpoint.pt")


def test_an_empty_file_is_a_file(fake):
    fake.publish(REPOSITORY, {**FILES, "extra.json": b""})
    fetched()
    assert hub.cached(REPOSITORY, "extra.json").stat().st_size == 0


def test_nothing_is_found_before_anything_was_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert hub.find_snapshot(SOURCE) is None and hub.cached(REPOSITORY, "config.json") is None
    refs = tmp_path / "models--someone--model/refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text("abc")
    assert hub.find_snapshot(SOURCE) is None, "another program's download that has not got further than its name"


@pytest.mark.parametrize(
    "changes",
    [{}, {"HF_HOME": "/a/b"}, {"HF_HUB_CACHE": "/c"}, {"XDG_CACHE_HOME": "/d"}, {"HUGGINGFACE_HUB_CACHE": "$HOME/e"}],
)
def test_the_cache_is_where_the_hub_s_own_library_has_it(changes):
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE_", "XDG_"))}
    program = (
        "from huggingface_hub.constants import HF_HUB_CACHE\nfrom separation.hub.cache import hub_folder\n"
        "assert str(hub_folder()) == HF_HUB_CACHE, (hub_folder(), HF_HUB_CACHE)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=ours | changes)


# Breaking off, and going on


def test_a_connection_that_breaks_is_taken_up_where_it_broke(published):
    published.drops["checkpoint.pt"] = [100_000, 150_000]
    fetched()
    assert (hub.find_snapshot(SOURCE) / "checkpoint.pt").read_bytes() == WEIGHTS
    asked = [headers.get("Range") for headers in published.got("GET", "/storage/someone/model/checkpoint.pt")]
    assert asked[0] is None and len(asked) == 3
    starts = [int(range_.removeprefix("bytes=").removesuffix("-")) for range_ in asked[1:]]
    assert 0 < starts[0] <= 100_000 < starts[1] <= 250_000


def test_a_server_that_is_busy_is_asked_again(published):
    published.failing = [503, 429]
    fetched()
    assert hub.find_snapshot(SOURCE) is not None


def test_a_server_that_stops_answering_is_an_interruption(tmp_path):
    part = tmp_path / "part"
    part.write_bytes(b"what arrived")
    with pytest.raises(transfer.Interrupted, match=r"After 12 of 100 bytes: .*refused"):
        list(transfer.fetch("http://127.0.0.1:1/", part, 100, {}))
    assert part.read_bytes() == b"what arrived"


def test_a_download_that_does_not_get_on_is_kept_and_the_next_one_continues_it(published):
    published.drops["checkpoint.pt"] = [200_000, 0, 0, 0, 0]
    error = refusal()
    assert isinstance(error, transfer.Interrupted)
    assert f"of {len(WEIGHTS)} bytes" in error.why and "continue" in error.todo
    assert hub.find_snapshot(SOURCE) is None and hub.on_disk(REPOSITORY) > 100_000
    published.drops.clear()
    published.asked.clear()
    events = fetched()
    assert published.got("GET", "/storage/someone/model/checkpoint.pt")[0]["Range"] != "bytes=0-"
    assert events[1].done_bytes > 100_000
    assert (hub.find_snapshot(SOURCE) / "checkpoint.pt").read_bytes() == WEIGHTS


def test_closing_the_download_stops_it_and_keeps_what_arrived(published):
    published.pause_s = 0.02
    events = hub.download(SOURCE, "model")
    assert any(event.done_bytes > 100_000 for event in events)
    events.close()
    (part,) = (hub.repository_folder(REPOSITORY) / "blobs").glob("*.incomplete")
    assert WEIGHTS.startswith(part.read_bytes()) and 0 < part.stat().st_size < len(WEIGHTS)
    published.pause_s = 0.0
    fetched()
    assert (hub.find_snapshot(SOURCE) / "checkpoint.pt").read_bytes() == WEIGHTS


def test_a_download_may_be_closed_by_another_thread_than_it_began_in(published):
    published.pause_s = 0.01
    events = hub.download(SOURCE, "model")
    assert any(event.done_bytes > 50_000 for event in events)
    closing = threading.Thread(target=events.close)
    closing.start()
    closing.join()
    published.pause_s = 0.0
    fetched()  # the lock is free
    assert hub.find_snapshot(SOURCE) is not None


def test_a_server_without_ranges_sends_the_file_again_from_its_start(published):
    published.ranges = False
    published.drops["checkpoint.pt"] = [100_000]
    fetched()
    assert (hub.find_snapshot(SOURCE) / "checkpoint.pt").read_bytes() == WEIGHTS


def test_two_programs_never_write_to_one_file(published):
    published.pause_s = 0.01
    events = hub.download(SOURCE, "model")
    assert any(event.done_bytes > 50_000 for event in events)
    assert "being downloaded already" in str(refusal())
    events.close()


# What is refused


@pytest.mark.parametrize("name", ["checkpoint.pt", "config.json"])
def test_a_damaged_file_is_deleted_and_said_to_be_damaged(published, name):
    published.damaged.add(name)
    assert f"for {name} is not the published file" in str(refusal())
    assert hub.find_snapshot(SOURCE) is None
    assert not list((hub.repository_folder(REPOSITORY) / "blobs").glob("*.incomplete"))
    published.damaged.clear()
    fetched()
    assert hub.find_snapshot(SOURCE) is not None


def test_a_partial_file_that_is_not_the_beginning_of_the_published_one_is_caught(published):
    published.drops["checkpoint.pt"] = [200_000, 0, 0, 0, 0]
    refusal()
    (part,) = (hub.repository_folder(REPOSITORY) / "blobs").glob("*.incomplete")
    part.write_bytes(bytes(part.stat().st_size))
    published.drops.clear()
    assert "not the published file" in str(refusal())
    fetched()


def test_a_gated_model_without_a_token_says_every_step(published):
    published.gated.add(REPOSITORY)
    error = refusal(WeightsMissing, gated=True)
    for step in ("Sign in", f"{published.address}/{REPOSITORY}", "licence", "wait", "read token", "hf auth login"):
        assert step in error.typed
    assert "No token" in error.why


def test_a_gated_model_that_the_account_was_not_let_in_to_says_so(published, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    published.gated.add(REPOSITORY)
    published.refused.add(REPOSITORY)
    error = refusal(WeightsMissing, gated=True)
    assert "from HF_TOKEN" in error.why and "403" in error.why and "accept the licence" in error.todo


def test_a_gated_model_is_fetched_with_a_token_that_only_the_hub_itself_sees(published, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    published.gated.add(REPOSITORY)
    fetched(gated=True)
    assert hub.find_snapshot(SOURCE) is not None
    tokens = {path.split("/")[1]: headers.get("Authorization") for _, path, headers in published.asked}
    assert tokens == {"api": f"Bearer {TOKEN}", "someone": f"Bearer {TOKEN}", "storage": None}


def test_a_token_kept_by_hf_auth_login_counts(published, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    published.gated.add(REPOSITORY)
    fetched(gated=True)
    assert hub.find_snapshot(SOURCE) is not None


def test_a_token_that_is_not_valid_is_said_to_be_that(published, tmp_path):
    (tmp_path / "token").write_text("hf_expired")
    error = refusal(gated=True)
    assert "refused this computer's token" in error.what and "kept on this computer" in error.why
    assert "hf auth login" in error.typed and "hf auth login" not in error.message


@pytest.mark.parametrize("token", ["hf_two words", "hf_ä", "hf_\x07"])
def test_a_token_that_cannot_be_one_is_refused_before_it_is_sent(published, monkeypatch, token):
    monkeypatch.setenv("HF_TOKEN", token)
    error = refusal()
    assert "cannot be one" in error.what and token not in "".join(traceback.format_exception(error))
    assert not published.asked


@pytest.mark.parametrize("token", [None, TOKEN])
def test_a_repository_that_is_not_there_is_named(fake, monkeypatch, token):
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    assert f"no {REPOSITORY} for you" in refusal().what


def test_a_file_that_is_not_there_is_named(fake):
    fake.publish(REPOSITORY, {"config.json": b"{}"})
    assert "holds no file checkpoint.pt" in str(refusal())


def test_a_server_that_refuses_a_file_of_its_list_is_quoted(published, monkeypatch):
    published.failing = [418]
    assert "answered 418" in str(refusal())


@pytest.mark.parametrize(
    "headers", [{"X-Linked-Etag": '"../../escape"'}, {"X-Linked-Size": None, "Content-Length": None}]
)
def test_a_file_that_cannot_be_checked_is_not_fetched(published, headers):
    published.headers = headers
    assert "cannot be checked" in str(refusal())
    assert not published.got("GET", "checkpoint.pt")


def test_being_offline_by_choice_is_said(published, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in refusal().why


def test_going_offline_during_the_download_is_said(published, monkeypatch):
    events = hub.download(SOURCE, "model")
    next(events), next(events)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(BackendUnavailable, match="HF_HUB_OFFLINE"):
        list(events)


def test_a_hub_that_cannot_be_reached_is_named(fake, monkeypatch):
    for name in ("ENDPOINT", "HUGGINGFACE_CO_URL_TEMPLATE"):
        value = getattr(constants, name).replace(fake.address, "http://127.0.0.1:1")
        monkeypatch.setattr(constants, name, value)
    error = refusal()
    assert "cannot be reached" in error.why and "Connect to the internet" in error.todo


def test_our_own_mistakes_are_not_called_network_errors(published, monkeypatch):
    monkeypatch.setattr(HfApi, "model_info", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fetched()


def test_a_full_disk_is_said_before_anything_is_fetched(published, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=transfer.SPARE_BYTES + SIZE - 1))
    error = refusal()
    assert "not enough room" in error.what and "It needs 300 kB" in error.why and "105 MB free" in error.why
    assert not published.got("GET", "checkpoint.pt")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=transfer.SPARE_BYTES + SIZE))
    fetched()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    fetched()  # nothing is missing


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_meanwhile_is_said(published, tmp_path):
    part = tmp_path / "part"
    part.symlink_to("/dev/full")
    address = f"{published.storage}/{REPOSITORY}/checkpoint.pt"
    with pytest.raises(BackendUnavailable, match=os.strerror(errno.ENOSPC)):
        list(transfer.fetch(address, part, len(WEIGHTS), {}))


# Secrets


@pytest.mark.parametrize("trouble", ["none", "refused", "dropped", "damaged", "wrong"])
def test_the_token_is_in_no_event_log_or_error(published, monkeypatch, caplog, capfd, trouble):
    token = "hf_anotherSecretValue" if trouble == "wrong" else TOKEN
    monkeypatch.setenv("HF_TOKEN", token)
    caplog.set_level(logging.DEBUG)
    published.gated.add(REPOSITORY)
    if trouble == "refused":
        published.refused.add(REPOSITORY)
    published.drops["checkpoint.pt"] = [0] * 9 if trouble == "dropped" else []
    published.damaged.update({"checkpoint.pt"} if trouble == "damaged" else ())
    said = []
    try:
        said += map(repr, hub.download(SOURCE, "model", gated=True))
    except BackendUnavailable as error:
        logging.getLogger("page").debug("traceback", exc_info=error)
        said += [str(error), repr(error), *traceback.format_exception(error)]
    assert len(said) > (5 if trouble == "none" else 3)
    output = capfd.readouterr()
    assert caplog.records, "something was logged"
    assert token not in "".join([*said, caplog.text, output.out, output.err])
    left = (path for path in Path(os.environ["HF_HUB_CACHE"]).rglob("*") if path.is_file())
    assert all(token.encode() not in path.read_bytes() for path in left)


# Deleting


def test_removing_frees_the_disk_and_leaves_other_repositories(published, tmp_path):
    published.publish("someone/other", {**FILES, "config.json": b"{}"})
    other = Source(repository="someone/other", needed=SOURCE.needed)
    fetched(), fetched(other)
    assert hub.remove(REPOSITORY) == SIZE
    assert hub.find_snapshot(SOURCE) is None and hub.on_disk(REPOSITORY) == 0
    assert hub.find_snapshot(other) is not None
    assert not hub.repository_folder(REPOSITORY).exists()
    assert hub.remove(REPOSITORY) == 0


def test_removing_takes_all_revisions_and_half_finished_downloads(published):
    fetched()
    published.publish(REPOSITORY, {**FILES, "checkpoint.pt": WEIGHTS[::-1]})
    published.drops["checkpoint.pt"] = [100_000, 0, 0, 0, 0]
    refusal()
    assert hub.on_disk(REPOSITORY) > SIZE
    assert hub.remove(REPOSITORY) > SIZE
    assert not hub.repository_folder(REPOSITORY).exists()


def test_a_download_that_never_finished_can_be_removed(published):
    published.drops["checkpoint.pt"] = [100_000, 0, 0, 0, 0]
    refusal()
    assert hub.remove(REPOSITORY) > 0
    assert not hub.repository_folder(REPOSITORY).exists()


def test_what_goes_on_beside_it_does_not_disturb_counting_what_is_on_the_disk(fake):
    blobs = hub.repository_folder(REPOSITORY) / "blobs"
    blobs.mkdir(parents=True)
    over = threading.Event()

    def come_and_go():
        while not over.is_set():
            for number in range(20):
                (blobs / f"{number}.incomplete").write_bytes(b"12")
            for number in range(20):
                (blobs / f"{number}.incomplete").unlink()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        counts = [hub.on_disk(REPOSITORY) for _ in range(300)]
    finally:
        over.set()
        thread.join()
    assert all(0 <= count <= 40 for count in counts)
