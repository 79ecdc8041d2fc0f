"""Two guests and a host on the same pages: each sees and changes what is theirs, and what they may hear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from separation.engine.engine import Inline
from separation.request import Request
from separation.results.kept import Recording, recording_of
from separation.results.runs import import_recording, separate_recording
from storage import ArtifactStore, Library, StorageError
from storage.records import BlindTestTable, DraftTable
from tests.support import run_fakes, toy_backend
from tests.support.simulated import SimulatedStudio, simulated_studio
from tests.support.visitors import guest
from webapp.access.belongings import Belongings
from webapp.state.drafts import Draft
from webapp.state.library.view import LibraryView

PASSCODE = "four calling birds"
MIDDLE = Request.of("middle", backend="toy")


@pytest.fixture
def song(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """A song of the host's with a result and a draft."""
    toy_backend.register(monkeypatch)
    store = ArtifactStore(tmp_path / "home")
    song = import_recording(run_fakes.song(tmp_path / "song.wav", 0.5), store)
    list(separate_recording(song, MIDDLE, store, Inline()))
    drafts = DraftTable(store.folder)
    drafts.write(song.key, Draft.of(MIDDLE).to_dict())
    drafts.close()
    store.close()
    return song


@pytest.fixture
async def page(song: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SimulatedStudio]:
    async with simulated_studio(tmp_path / "home", monkeypatch, passcode=PASSCODE) as page:
        await page.open("/")
        yield page


async def ana_brings(page: SimulatedStudio, tmp_path: Path) -> str:
    """Let Ana bring a recording, and return its key."""
    await page.become("Ana", PASSCODE)
    own = run_fakes.song(tmp_path / "own.wav", 0.7)
    answer = await page.request("PUT", "/api/uploads?name=own.wav", content=own.read_bytes())
    assert answer.status_code == 200
    return str(answer.json()["key"])


def separated_in_a_terminal(key: str, store: ArtifactStore) -> None:
    """Let the host make a result of a recording."""
    item = store.get(key)
    assert item is not None
    list(separate_recording(recording_of(item), MIDDLE, store, Inline()))


async def rows(page: SimulatedStudio, path: str = "/library") -> dict[str, dict[str, Any]]:
    """The rows of the library by their names."""
    await page.open(path)
    await page.until(lambda: view(page), "the library")
    return {row["name"]: row for row in view(page)["rows"]}


def view(page: SimulatedStudio) -> dict[str, Any]:
    """What the list of the library shows."""
    (shown,) = [element for element in page.elements if type(element).__name__ == "LibraryList"]
    return dict(shown.props["view"] or {})


SOUNDS = ("pcm?start=0&count=10", "peaks", "spectrogram/0/0", "file")


async def hears(page: SimulatedStudio, key: str, track: str = "audio") -> bool:
    """Whether the visitor hears something; if not, it must look as if it were not here."""

    async def statuses(key: str) -> list[int]:
        paths = (*(f"{key}/{track}/{what}" for what in SOUNDS), f"{key}/all.zip", f"all.zip?result={key}")
        return [(await page.request("GET", f"/media/{path}")).status_code for path in paths]

    heard = await statuses(key)
    assert heard in ([200] * 6, await statuses("0" * 64)), heard
    return heard == [200] * 6


async def test_what_a_guest_brings_is_seen_and_heard_by_him_and_the_host(
    page: SimulatedStudio, song: Recording, tmp_path: Path
) -> None:
    own = await ana_brings(page, tmp_path)
    listed = await rows(page)
    assert set(listed) == {"song.wav", "own.wav"}
    assert (listed["own.wav"]["mine"], listed["song.wav"]["mine"]) == (True, False)
    assert await hears(page, own) and await hears(page, song.key)

    await page.become("Bo", PASSCODE)
    assert set(await rows(page)) == {"song.wav"}
    assert not await hears(page, own) and await hears(page, song.key)
    await page.open(f"/?recording={own}")
    assert "not in the library any more" in page.text and "own.wav" not in page.text
    await page.open(f"/?files={own},{song.key}")
    assert not any("own.wav" in str(one.props) for one in page.elements) and "own.wav" not in page.text
    await page.open(f"/compare?items={own},{song.key}")
    assert "not in the library any more" in page.text and "own.wav" not in page.text

    await page.become("", PASSCODE)
    listed = await rows(page)
    assert listed["own.wav"]["owners"] == "Ana" and listed["song.wav"]["owners"] == ""
    assert listed["own.wav"]["mine"] and listed["song.wav"]["mine"] and await hears(page, own)


async def test_a_guest_changes_nothing_of_others(page: SimulatedStudio, song: Recording, tmp_path: Path) -> None:
    own = await ana_brings(page, tmp_path)
    await page.become("Bo", PASSCODE)
    for key in (own, song.key):
        for verb in ("trash", "pin", "share"):
            await rows(page)
            page.tell("LibraryList", "act", {"verb": verb, "keys": [key]})
            await page.until(lambda: "Somebody else has brought or made it" in page.text, verb)
    await rows(page)
    page.tell("LibraryList", "rename", {"key": own, "name": "Bo's"})
    await page.until(lambda: "This was not renamed." in page.text, "the refusal")
    await page.become("", PASSCODE)
    listed = await rows(page)
    assert set(listed) == {"song.wav", "own.wav"} and not any(row["pinned"] for row in listed.values())
    assert not listed["own.wav"]["shared"]


async def test_notes_are_changed_by_who_has_brought_the_recording(
    page: SimulatedStudio, song: Recording, tmp_path: Path
) -> None:
    own = await ana_brings(page, tmp_path)
    for key, name, kept in ((song.key, "Ana", False), (own, "Ana", True), (song.key, "", True)):
        await page.become(name, PASSCODE)
        await page.open(f"/compare?items={key}")
        note = {"id": "n1", "time_s": 0.1, "text": "a click", "source": "", "label": ""}
        change = {"number": 1, "change": {"recording": key, "add": note}}
        page.tell("PinnedNotes", "changes", [change])
        await page.until(lambda: notes(page) or "The notes stay as they are." in page.text, "an answer")
        assert notes(page) == (["a click"] if kept else []), (name, key)


def notes(page: SimulatedStudio) -> list[str]:
    """What the notes of the page say."""
    (shown,) = [element for element in page.elements if type(element).__name__ == "PinnedNotes"]
    return [note["text"] for note in shown.props["notes"]]


async def test_a_guest_renames_deletes_and_restores_what_is_his(page: SimulatedStudio, tmp_path: Path) -> None:
    own = await ana_brings(page, tmp_path)
    await rows(page)
    page.tell("LibraryList", "rename", {"key": own, "name": "My talk"})
    await page.until(lambda: "My talk" in [row["name"] for row in view(page)["rows"]], "the name")
    page.tell("LibraryList", "act", {"verb": "trash", "keys": [own]})
    await page.until(lambda: "“My talk” moved to the trash." in page.text, "that it is in the trash")
    await page.become("Bo", PASSCODE)
    await rows(page)
    page.tell("LibraryList", "act", {"verb": "restore", "keys": [own]})
    await page.until(lambda: "This was not restored." in page.text, "the refusal")
    page.tell("LibraryList", "ask", {"search": "", "sort": "newest", "page": 0, "trash": True})
    await page.until(lambda: view(page)["trash"], "the trash")
    assert view(page)["rows"] == [] and view(page)["n_trashed"] == 0, "others do not see his trash"
    await page.become("Ana", PASSCODE)
    await rows(page)
    page.tell("LibraryList", "act", {"verb": "restore", "keys": [own]})
    await page.until(lambda: "1 item restored." in page.text, "that it is back")


async def test_what_a_guest_shares_is_heard_by_the_others_until_he_does_not(
    page: SimulatedStudio, tmp_path: Path
) -> None:
    own = await ana_brings(page, tmp_path)
    assert (await rows(page))["own.wav"]["can_share"]
    for verb, shared in (("share", True), ("unshare", False)):
        await page.become("Ana", PASSCODE)
        await rows(page)
        page.tell("LibraryList", "act", {"verb": verb, "keys": [own]})
        await page.until(
            lambda shared=shared: {row["key"]: row for row in view(page)["rows"]}[own]["shared"] is shared, verb
        )
        await page.become("Bo", PASSCODE)
        assert await hears(page, own) is shared
        assert ("own.wav" in await rows(page)) is shared


async def test_a_recording_of_which_others_have_made_something_is_deleted_by_the_host_alone(
    page: SimulatedStudio, tmp_path: Path
) -> None:
    own = await ana_brings(page, tmp_path)
    separated_in_a_terminal(own, ArtifactStore(tmp_path / "home"))
    await rows(page)
    page.tell("LibraryList", "act", {"verb": "trash", "keys": [own]})
    await page.until(lambda: "or results of it" in page.text, "the refusal")
    assert await hears(page, own)


async def test_drafts_and_mixes_are_of_each_guest(page: SimulatedStudio, song: Recording) -> None:
    async def chosen(name: str) -> object:
        await page.become(name, PASSCODE)
        await page.open(f"/?recording={song.key}")
        return page.setting("backend")["value"]

    assert await chosen("") == "toy", "the host's draft"
    assert await chosen("Ana") == "auto", "which is not hers"
    page.set("backend", "builtin-dsp")
    assert await chosen("Ana") == "builtin-dsp", "hers is kept"
    assert await chosen("Bo") == "auto"
    assert await chosen("") == "toy"


async def test_a_guest_who_may_not_listen_has_what_is_his_and_nothing_else(
    page: SimulatedStudio, song: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = await ana_brings(page, tmp_path)
    await page.become("", PASSCODE)
    await page.open("/settings")
    page.set("guests.listen", False)
    await page.become("Ana", PASSCODE)
    assert set(await rows(page)) == {"own.wav"}
    assert await hears(page, own) and not await hears(page, song.key)
    await page.open("/")
    assert "The host does not let guests listen to what others have brought." in page.text


async def test_the_trash_of_the_host_is_his_own(page: SimulatedStudio, song: Recording, tmp_path: Path) -> None:
    await ana_brings(page, tmp_path)
    await page.become("", PASSCODE)
    await rows(page)
    page.tell("LibraryList", "act", {"verb": "trash", "keys": [song.key]})
    await page.until(lambda: view(page)["n_trashed"] == 1, "the song in the trash")
    await page.become("Ana", PASSCODE)
    await rows(page)
    page.tell("LibraryList", "ask", {"search": "", "sort": "newest", "page": 0, "trash": True})
    await page.until(lambda: view(page)["trash"], "the trash")
    assert view(page)["rows"] == [] and view(page)["n_trashed"] == 0


async def test_who_names_what_is_shared_as_his_file_gets_no_part_of_it(page: SimulatedStudio, tmp_path: Path) -> None:
    shared = await ana_brings(page, tmp_path)
    await rows(page)
    page.tell("LibraryList", "act", {"verb": "share", "keys": [shared]})
    await page.until(lambda: view(page)["rows"][0]["shared"], "that it is shared")
    await page.become("Bo", PASSCODE)
    theirs = run_fakes.song(tmp_path / "theirs.wav", 0.6).read_bytes()
    bos = (await page.request("PUT", "/api/uploads?name=theirs.wav", content=theirs)).json()["key"]
    await page.open(f"/compare?items={bos}")
    page.tell("UploadArea", "uploaded", {"id": "", "key": shared, "name": "own.wav", "warnings": []})
    await page.until(lambda: "2 sides" in page.text, "both beside each other")
    await page.become("Ana", PASSCODE)
    assert (await rows(page))["own.wav"]["mine"], "hers alone, as before"
    page.tell("LibraryList", "act", {"verb": "unshare", "keys": [shared]})
    await page.until(lambda: not any(row["shared"] for row in view(page)["rows"]), "that it is hers again")
    await page.become("Bo", PASSCODE)
    assert not await hears(page, shared)


async def test_the_address_of_a_blind_test_starts_none_for_a_guest(page: SimulatedStudio, tmp_path: Path) -> None:
    own = await ana_brings(page, tmp_path)
    other = run_fakes.song(tmp_path / "other.wav", 0.6).read_bytes()
    second = (await page.request("PUT", "/api/uploads?name=other.wav", content=other)).json()["key"]
    table = BlindTestTable(tmp_path / "home")
    for name, made in (("Ana", 0), ("", 1)):
        await page.become(name, PASSCODE)
        await page.open(f"/compare?items={own},{second}&blind=1")
        await page.until(lambda: "2 sides" in page.text, "both sides")
        await page.until(lambda: "a blind test" not in {one.get_name() for one in asyncio.all_tasks()}, "all made")
        assert len(table.tests()) == made, name


async def test_a_job_of_another_guest_is_not_named_to_who_would_delete_its_recording(
    page: SimulatedStudio, tmp_path: Path
) -> None:
    own = await ana_brings(page, tmp_path)
    await page.become("", PASSCODE)
    await page.open("/")
    page.click("queue-button")
    page.press("Pause")
    await page.become("Ana", PASSCODE)
    await page.open(f"/?recording={own}&prompts=middle")
    page.set("backend", "toy")
    page.press("Separate 1 sound")
    await page.until(lambda: "Queued" in page.text, "the job")
    await page.become("Bo", PASSCODE)
    await rows(page)
    page.tell("LibraryList", "act", {"verb": "trash", "keys": [own]})
    await page.until(lambda: "was not deleted" in page.text, "the refusal")
    assert "Somebody else has brought or made it" in page.text and "own.wav" not in page.text


async def test_damage_is_said_to_whose_it_is_and_to_the_host(page: SimulatedStudio, tmp_path: Path) -> None:
    own = await ana_brings(page, tmp_path)
    store = ArtifactStore(tmp_path / "home")
    item = store.get(own, read=False)
    store.close()
    assert item is not None
    with recording_of(item).audio.open("r+b") as file:
        file.truncate(100)
    await page.request("GET", f"/media/{own}/audio/file")
    for name, told in (("Bo", False), ("Ana", True), ("", True)):
        await page.become(name, PASSCODE)
        await rows(page)
        assert ("“own.wav” is damaged" in page.text) is told, name


async def test_a_result_that_outlives_a_recording_stays_hidden_with_it(
    page: SimulatedStudio, song: Recording, tmp_path: Path
) -> None:
    own = await ana_brings(page, tmp_path)
    store = ArtifactStore(tmp_path / "home")
    separated_in_a_terminal(own, store)
    (result,) = store.list("result", source=own)
    store.remove(own)  # as where there is no room
    store.close()
    await page.become("", PASSCODE)
    await rows(page)
    page.tell("LibraryList", "act", {"verb": "trash", "keys": [song.key]})
    await page.until(lambda: view(page)["n_trashed"], "the trash")
    page.press("Empty trash")
    page.press("Delete for good")
    await page.until(lambda: "deleted for good." in page.text, "that the trash is empty")
    assert await hears(page, result.key, "0")
    await page.become("Bo", PASSCODE)
    assert not await hears(page, result.key, "0")


def test_a_guest_does_not_restore_the_hosts_recording_with_a_result_of_his_own(song: Recording, tmp_path: Path) -> None:
    store, whose, ana = ArtifactStore(tmp_path / "home"), Belongings(), guest("Ana")
    (hers,) = [item.key for item in store.list("result")]
    whose.note(hers, ana.people, is_new=True)
    library = LibraryView(Library(store), whose).seen_by(ana)
    library.trash([hers])
    store.trash(song.key)  # by the host
    with pytest.raises(StorageError, match="This was not restored"):
        library.restore([hers])
    assert store.trashed(song.key)
    store.restore(song.key)
    assert library.restore([hers]) == (hers,)
    store.close()
