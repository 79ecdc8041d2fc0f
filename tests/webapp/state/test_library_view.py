"""What the library's list shows: what is found, in which order, and how much of it at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from separation.backends import registry
from storage import ArtifactStore, Library
from tests.support.damage import flip
from tests.support.kept_values import SOUND
from tests.support.library_shelves import chunk, keep, recording, result
from tests.support.store_files import used_at, used_days_ago
from webapp.state.library.rows import GONE, PAGE_ROWS, RESULTS_SHOWN, LibraryQuery, facts_of
from webapp.state.library.view import CleanUp, LibraryView

DAY_S = 24 * 3600.0


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "home")


@pytest.fixture
def listed(store):
    return LibraryView(Library(store))


def seen(listed, **query):
    return listed.view(LibraryQuery(**query), {})


def names(listed, **query):
    return [row["name"] for row in seen(listed, **query)["rows"]]


def test_a_recording_says_its_length_rate_and_channels_and_how_many_results_it_has(store, listed):
    song = recording(store, "Song", seconds=61.4, size=2048)
    result(store, song, "drums")
    (row,) = seen(listed)["rows"]
    assert (row["properties"], row["size"], row["n_results"], row["results"]) == (
        ["1:01", "44.1 kHz", "stereo"],
        "2 kB",
        1,
        [],
    )
    assert row["href"] == f"/?recording={song.key}" and not row["pinned"]


def test_results_are_told_only_where_they_are_unfolded_with_prompts_colours_and_who_made_them(store, listed):
    song = recording(store, "Song")
    made = result(store, song, "drums", "man speaking", backend="demucs")
    store.pin(made.key)
    (row,) = seen(listed, unfolded={song.key: RESULTS_SHOWN})["rows"]
    (listed_result,) = row["results"]
    assert listed_result["properties"] == [
        f"{registry.get('demucs').label} only",
        "took 12.3 s",
        "quality about 0.71 of 1",
    ]
    assert [sound["text"] for sound in listed_result["sounds"]] == ["drums", "man speaking"]
    assert len({sound["color"] for sound in listed_result["sounds"]}) == 2
    assert listed_result["href"] == f"/?recording={song.key}&result={made.key}" and listed_result["pinned"]


def test_of_hundreds_of_results_the_newest_come_first_and_more_only_if_asked_for(store, listed):
    song = recording(store, "Song")
    for seed in range(RESULTS_SHOWN + 2):
        last = result(store, song, "drums", seed=seed)
    (row,) = seen(listed, unfolded={song.key: RESULTS_SHOWN})["rows"]
    assert (len(row["results"]), row["n_results"]) == (RESULTS_SHOWN, RESULTS_SHOWN + 2)
    assert row["results"][0]["key"] == last.key
    (row,) = seen(listed, unfolded={song.key: 1000})["rows"]
    assert len(row["results"]) == RESULTS_SHOWN + 2


def test_a_search_finds_names_prompts_and_separators_and_unfolds_what_it_found(store, listed):
    one, two = recording(store, "Evening Song"), recording(store, "Morning")
    result(store, one, "drums")
    result(store, one, "bass", backend="demucs")
    result(store, two, "drums", backend="demucs")
    assert names(listed, search="SONG") == ["Evening Song"]
    (row,) = seen(listed, search="song")["rows"]
    assert row["n_results"] == 2 and not row["open"]
    (row,) = seen(listed, search="song demucs")["rows"]
    assert [result["name"] for result in row["results"]] == ["bass"] and row["open"]
    assert names(listed, search="drums", sort="name") == ["Evening Song", "Morning"]
    assert names(listed, search="drums demucs") == ["Morning"]
    assert names(listed, search="song drums bass") == []


def test_it_sorts_by_what_a_person_asks_for(store, listed):
    songs = [
        recording(store, name, seconds=seconds, size=n_bytes)
        for name, seconds, n_bytes in (("b", 30, 300), ("C", 10, 200), ("a", 20, 100))
    ]
    result(store, songs[1], "drums", size=1000)
    for n, song in enumerate(songs):
        used_at(store, song.key, 1e9 + n)
    used_at(store, store.list("result")[0].key, 1e9 - 1)
    assert names(listed, sort="newest") == ["C", "a", "b"]  # what was made from it last counts
    assert names(listed, sort="name") == ["a", "b", "C"]
    assert names(listed, sort="length") == ["b", "a", "C"]
    assert names(listed, sort="size") == ["C", "b", "a"]
    assert names(listed, sort="used") == ["a", "C", "b"]


def test_however_many_there_are_one_page_is_shown_and_no_page_is_empty(store, listed):
    for n in range(2 * PAGE_ROWS + 1):
        recording(store, f"{n:03d}")
    view = seen(listed, sort="name")
    assert (len(view["rows"]), view["total"], view["first"], view["last"]) == (PAGE_ROWS, 2 * PAGE_ROWS + 1, 0, False)
    assert names(listed, sort="name", page=2) == [f"{2 * PAGE_ROWS:03d}"] == names(listed, sort="name", page=99)
    assert names(listed, sort="name", page=-1)[0] == "000"


def test_results_of_a_recording_that_is_gone_are_still_there(store, listed):
    song = recording(store, "Song")
    result(store, song, "drums")
    store.remove(song.key)
    (row,) = seen(listed, unfolded={song.key: 5})["rows"]
    assert (row["name"], row["gone"], [result["name"] for result in row["results"]]) == (GONE, True, ["drums"])
    (row,) = seen(listed, search="drums")["rows"]
    assert row["name"] == GONE and row["open"]


def test_the_trash_has_recordings_with_what_went_with_them_and_single_results(store, listed):
    song, other = recording(store, "Song", size=1024), recording(store, "Other")
    for prompt in ("drums", "bass"):
        result(store, song, prompt, size=1024)
    single = result(store, other, "vocals")
    store.trash(single.key)
    store.trash(song.key)
    view = seen(listed, trash=True)
    assert [(row["name"], row["properties"][0], row["size"]) for row in view["rows"]] == [
        ("Song", "Recording with 2 results", "3 kB"),
        ("vocals", "Result", "1 kB"),
    ]
    assert (
        view["n_trashed"] == 2 and names(listed) == ["Other"] and names(listed, trash=True, search="voc") == ["vocals"]
    )
    assert listed.names([song.key, single.key, "0" * 64]) in (["Song", "vocals"], ["vocals", "Song"])


def test_a_result_deleted_before_its_recording_is_in_the_trash_by_itself(store, listed):
    song = recording(store, "Song")
    store.trash(result(store, song, "drums").key)
    store.trash(song.key)
    assert [row["properties"] for row in seen(listed, trash=True)["rows"]] == [["Recording"], ["Result"]]


def test_a_job_is_shown_with_its_recording(store, listed):
    song, _ = recording(store, "Song"), recording(store, "Other")
    rows = listed.view(LibraryQuery(sort="name"), {song.key: {"words": "Queued"}})["rows"]
    assert [row["job"] for row in rows] == [None, {"words": "Queued"}]


def test_what_another_version_made_is_listed_as_far_as_it_is_understood(store):
    song = recording(store, "Song")
    made = result(store, song, "drums").manifest
    older = {**made.config, "backend": "forgotten"}
    odd = keep(store, "result", "odd", inputs={"recording": song.key}, config=older, info={**SOUND, "tracks": []})
    assert facts_of(odd.manifest).properties == ("forgotten",)


def test_cleaning_deletes_what_was_chosen_and_says_what(store, listed):
    old, pinned, new = (recording(store, name, size=1024) for name in ("old", "pinned", "new"))
    chunk(store, new, "old chunk", 2048)
    chunk(store, new, "new chunk", 1024)
    gone = recording(store, "gone", size=1024)
    store.pin(pinned.key)
    store.trash(gone.key)
    for artifact in (old, pinned, next(kept for kept in store.list("chunk") if kept.name == "old chunk")):
        used_days_ago(store, artifact.key, 40)
    month = {"unused_for_s": 30 * DAY_S}
    nothing = CleanUp(chunks=False, kept=False, trash=False, **month)
    assert listed.clean(nothing) == "Deleted nothing: 0 kB freed."
    some = CleanUp(chunks=True, kept=False, trash=True, **month)
    assert listed.clean(some) == "Deleted 1 chunk, 1 recording: 3 kB freed."
    assert listed.clean(CleanUp(chunks=False, kept=True, trash=False, **month)) == "Deleted 1 recording: 1 kB freed."
    assert sorted(kept.name for kept in store.list()) == ["new", "new chunk", "pinned"]


def test_a_check_says_what_it_found_and_cleaning_deletes_what_was_set_aside(store, listed):
    whole, damaged = recording(store, "whole.wav"), recording(store, "damaged.wav")
    assert listed.check() == "2 items checked, 2 kB: nothing is damaged."
    flip(damaged.files["audio"])
    assert listed.check() == "2 items checked, 2 kB: 1 damaged item found."
    assert [one.key for one in store.list()] == [whole.key]
    assert store.usage()["damaged"] == (1, 1000)
    nothing = CleanUp(chunks=False, kept=False, trash=False, unused_for_s=0)
    assert listed.clean(nothing) == "Deleted nothing: 0 kB freed."
    assert listed.clean(replace(nothing, damaged=True)) == "Deleted nothing: 1 kB freed."
    assert "damaged" not in store.usage()


def test_what_is_a_part_of_something_else_is_not_listed_unless_more_was_made_of_it(store):
    song, passage = recording(store, "Song"), recording(store, "Passage")
    cell = result(store, passage, "drums")
    listed = LibraryView(Library(store), parts=lambda: frozenset({passage.key, cell.key}))
    assert names(listed) == ["Song"]
    assert [one.name for one in listed.recordings()] == ["Song"] and listed.result(cell.key).name == "drums"
    result(store, passage, "vocals")
    assert sorted(names(listed)) == ["Passage", "Song"]
    (row,) = seen(listed, search="passage")["rows"]
    assert row["n_results"] == 1, "what was made of it by hand"
    assert song.key != passage.key
