"""File names from what people type: in every script, on every file system."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from separation.audio.names import MAX_BYTES, plain_name, plain_names, without_extension
from separation.audio.part import Part

CAFE = unicodedata.normalize("NFD", "Café")  # as a Mac writes it
FAMILY = "👨‍👩‍👧‍👦"


@pytest.mark.parametrize(
    "text",
    [
        "drums", "Café", CAFE, "नमस्ते दुनिया", "सिन्धु", "เพลงที่รัก", "אַהֲבָה", "中文歌曲", "می‌خواهم", "🥁 drums",
        FAMILY, "👍🏽", "⭐️", "AC_DC (live), part 1 + 2 & more", "it's",
    ],
)  # fmt: skip
def test_names_of_every_script_and_emoji_stay_as_they_are(text: str, tmp_path: Path) -> None:
    assert plain_name(text) == text
    (tmp_path / f"{plain_name(text)}.wav").touch()
    assert [path.stem for path in tmp_path.iterdir()] == [text]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a/b\\c", "a_b_c"), ("what?", "what_"), ('<|>:*"', "______"), ("tab\there\x00\x1b", "tab_here__"),
        ("..hidden", "hidden"), ("end. ", "end"), ("", "track"), ("...", "track"), ("line\u2028break", "line_break"),
        ("\u202egnp.exe", "_gnp.exe"), ("half\ud83d", "half_"), ("no\u00a0break", "no_break"),
        ("$HOME `x`", "_HOME _x_"), ("-rf", "-rf"), ("~", "_"),
    ],
)  # fmt: skip
def test_what_a_system_or_a_shell_takes_for_something_else_does_not(text: str, name: str) -> None:
    assert plain_name(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CON", "CON_"), ("con", "con_"), ("Aux.drums", "Aux_.drums"), ("nul. ", "nul_"), ("COM1", "COM1_"),
        ("lpt²", "lpt²_"), ("console", "console"), ("Common", "Common"), ("my con", "my con"),
    ],
)  # fmt: skip
def test_devices_of_windows_are_avoided(text: str, name: str) -> None:
    assert plain_name(text) == name


@pytest.mark.parametrize("text", ["ก" * 300, "नि" * 200, f"{FAMILY}" * 40, "🥁" * 300, CAFE * 100, "x" * 300])
def test_long_names_are_cut_by_bytes_and_between_whole_characters(text: str, tmp_path: Path) -> None:
    name = plain_name(text)
    assert len(name.encode()) <= MAX_BYTES and len(name) <= 80
    assert len(name) >= 40, "not far shorter than it may be"
    (tmp_path / f"{name} (99).stem.mp4").touch()
    whole = {"ก": "ก", "न": "नि", "👨": FAMILY, "🥁": "🥁", "C": CAFE, "x": "x"}[text[0]]
    assert name == text[: len(name)] and len(name) % len(whole) == 0


@pytest.mark.parametrize(
    ("name", "song"),
    [
        *[
            ("song.wav", "song"),
            ("Song.FLAC", "Song"),
            ("a.b.mp3", "a.b"),
            ("film.mkv", "film"),
            ("a.wav.wav", "a.wav"),
        ],
        *[
            (f"song.wav, {Part(start_s=10, end_s=20)}", "song, 0:10 to 0:20"),
            ("Vol.2", "Vol.2"),
            ("Mr. Blue", "Mr. Blue"),
            (".wav", ".wav"),
        ],
        *[("a.mp3, live.wav", "a.mp3, live"), (f"a.mp3, b.wav, {Part(track=2)}", "a.mp3, b, audio track 2")],
        *[
            ("song.wav at 44.1 kHz", "song at 44.1 kHz"),
            (f"a.wav, {Part(start_s=1.5, track=2)} at 48 kHz", "a, audio track 2, 0:01.5 to the end at 48 kHz"),
        ],
        *[("song", "song"), ("", ""), ("made.in.japan", "made.in.japan"), ("a.wav b", "a.wav b")],
    ],
)
def test_a_song_is_called_as_its_file_without_the_extension(name: str, song: str) -> None:
    assert without_extension(name) == song


@given(st.text(max_size=300))
def test_any_text_gives_a_name_that_is_its_own_name(text: str) -> None:
    name = plain_name(text)
    assert plain_name(name) == name
    assert 0 < len(name.encode()) <= MAX_BYTES + 1
    assert not set(name) & set('/\\:*?"<>|\0\n') and name.strip(" .") == name


def test_no_two_are_alike_where_case_or_the_encoding_of_accents_does_not_count() -> None:
    assert plain_names(["a?", "A!", "a*"]) == ["a_", "A_ (2)", "a_ (3)"]
    assert plain_names(["Café", CAFE, "CAFÉ"]) == ["Café", f"{CAFE} (2)", "CAFÉ (3)"]
    assert plain_names(["song"], taken=["SONG", "song (2)"]) == ["song (3)"]
