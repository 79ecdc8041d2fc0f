"""webMUSHRA's configurations read back, and results as its service writes them."""

from __future__ import annotations

import csv
import io

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from separation.errors import SettingsError
from separation.listening.abx import AbxResult
from separation.listening.rating import Rating
from separation.listening.webmushra import (
    PairedChoice,
    WebItem,
    WebTest,
    abx_config,
    abx_results,
    mushra_config,
    read_mushra,
    read_paired,
)

SONG = WebItem(name="Song", reference="audio/song.wav", stimuli={"4 steps": "audio/4.wav", "16 steps": "audio/16.wav"})
SPEECH = WebItem(name="Speech <1>", reference="audio/é.wav", stimuli={"4 steps": "audio/s4.wav"})
TEST = WebTest(test_id="steps_1-a", title="How many steps?", items=[SONG, SPEECH], instructions="Rate <all>.")


def written(rows, newline="\n"):
    """A results file: PHP's fputcsv puts quotes around what has spaces, commas or quotes."""
    out = io.StringIO()
    csv.writer(out, lineterminator=newline).writerows(rows)
    return out.getvalue()


MUSHRA_HEADER = ["session_test_id", "listener", "session_uuid", "trial_id", "rating_stimulus", "rating_score"]
MUSHRA_HEADER += ["rating_time", "rating_comment"]
PAIRED_HEADER = ["session_test_id", "listener", "trial_id", "choice_reference", "choice_non_reference", "choice_answer"]
PAIRED_HEADER += ["choice_time", "choice_comment"]


def test_a_mushra_test_has_a_page_for_each_item_in_random_order_between_welcome_and_finish():
    config = yaml.safe_load(mushra_config(TEST))
    pages = config.pop("pages")
    assert config == {
        "testname": "How many steps?",
        "testId": "steps_1-a",
        "bufferSize": 2048,
        "stopOnErrors": True,
        "showButtonPreviousPage": False,
        "remoteService": "service/write.php",
    }
    welcome, (order, *items), finish = pages
    assert welcome == {
        "type": "generic",
        "id": "welcome",
        "name": "How many steps?",
        "content": "Rate &lt;all&gt;.",
    }
    assert order == "random"
    assert items[0] == {
        "type": "mushra",
        "id": "Song",
        "name": "Song",
        "content": "Rate &lt;all&gt;.",
        "showWaveform": True,
        "enableLooping": True,
        "createAnchor35": True,
        "createAnchor70": True,
        "randomize": True,
        "reference": "audio/song.wav",
        "stimuli": {"4 steps": "audio/4.wav", "16 steps": "audio/16.wav"},
    }
    assert (items[1]["id"], items[1]["name"], items[1]["reference"]) == (
        "Speech <1>",
        "Speech &lt;1&gt;",
        "audio/é.wav",
    )
    assert finish["type"] == "finish" and finish["writeResults"] is True and finish["showResults"] is False
    assert finish["questionnaire"] == [{"type": "text", "label": "Your name", "name": "listener"}]


def test_the_anchors_can_be_left_out():
    page = yaml.safe_load(mushra_config(TEST, anchors=False))["pages"][1][1]
    assert page["createAnchor35"] is False and page["createAnchor70"] is False


def test_a_forced_choice_has_a_stimulus_for_each_trial_and_no_way_out():
    _, (_, song, speech), _ = yaml.safe_load(abx_config(TEST, n_trials=3))["pages"]
    assert song["type"] == "paired_comparison" and "unforced" not in song
    assert list(song["stimuli"]) == [f"{steps} steps ({n})" for steps in (4, 16) for n in (1, 2, 3)]
    assert set(song["stimuli"].values()) == {"audio/4.wav", "audio/16.wav"}
    assert len(speech["stimuli"]) == 3
    assert len(yaml.safe_load(abx_config(TEST))["pages"][1][2]["stimuli"]) == 16
    assert len(yaml.safe_load(abx_config(TEST, n_trials=100))["pages"][1][2]["stimuli"]) == 100
    for n_trials in (0, 101):
        with pytest.raises(SettingsError):
            abx_config(TEST, n_trials=n_trials)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff"))


@given(TEXT, TEXT.filter(bool), TEXT.filter(lambda name: name and " #" not in name), TEXT)
def test_any_text_is_read_back_as_it_was(title, item, stimulus, path):
    only = WebItem(name=item, reference=path, stimuli={f"_{stimulus}": path})
    config = yaml.safe_load(mushra_config(WebTest(test_id="t", title=title, items=[only], instructions="a\r\n\tb")))
    (page,) = config["pages"][1][1:]
    assert (config["testname"], page["id"], page["content"]) == (title, item, "a\r\n\tb")
    assert (page["reference"], page["stimuli"]) == (path, {f"_{stimulus}": path})


@pytest.mark.parametrize(
    "make",
    [
        lambda: WebItem(name="", reference="a", stimuli={"b": "c"}),
        lambda: WebItem(name="a", reference="a", stimuli={}),
        lambda: WebItem(name="a", reference="a", stimuli={str(n): "c" for n in range(10)}),
        *[
            lambda name=name: WebItem(name="a", reference="a", stimuli={name: "c"})
            for name in ("", "reference", "anchor35", "anchor70", "__proto__", "take #2")
        ],
        *[
            lambda text=text: WebItem(name="a", reference=text, stimuli={"b": "c"})
            for text in ("\x7f", "\x85", "\x9f", "\u2028", "\u2029", "\ud800", "\ufeff", "\ufffe", "\uffff")
        ],
        lambda: WebItem(name="\x85", reference="a", stimuli={"b": "c"}),
        lambda: WebItem(name="a", reference="a", stimuli={"\x85": "c"}),
        lambda: WebItem(name="a", reference="a", stimuli={"b": "\x85"}),
        lambda: WebTest(test_id="a b", title="", items=[SONG]),
        lambda: WebTest(test_id="", title="", items=[SONG]),
        lambda: WebTest(test_id="../a", title="", items=[SONG]),
        lambda: WebTest(test_id="a", title="", items=[]),
        lambda: WebTest(test_id="a", title="", items=[SONG, SONG]),
        lambda: WebTest(test_id="a", title="\x85", items=[SONG]),
        lambda: WebTest(test_id="a", title="", items=[SONG], instructions="\x85"),
    ],
)
def test_what_webmushra_could_not_take_is_refused_with_advice(make):
    with pytest.raises(SettingsError) as refused:
        make()
    assert refused.value.what and refused.value.why and refused.value.todo


def test_nine_stimuli_are_not_too_many():
    assert len(WebItem(name="a", reference="a", stimuli={str(n): "c" for n in range(9)}).stimuli) == 9


def test_ratings_are_read_by_the_listeners_names_or_else_their_sessions():
    rows = [MUSHRA_HEADER]
    rows += [["steps_1-a", "Ann", "u1", "Song", condition, score, "5210", ""] for condition, score in SCORES]
    rows += [["steps_1-a", " ", "u2", "Song", "reference", "100", "31", 'so "good",\nreally']]
    expected = [Rating("Ann", "Song", condition, float(score)) for condition, score in SCORES]
    expected.append(Rating("u2", "Song", "reference", 100))
    assert read_mushra(written(rows)) == expected
    assert read_mushra("\ufeff" + written(rows, "\r\n")) == expected


SCORES = [("reference", "95"), ("4 steps", "71"), ("16 steps", "88.5"), ("anchor35", "20"), ("anchor70", "45")]


def test_of_other_configurations_what_listeners_filled_in_tells_them_apart():
    header = ["session_test_id", "email", "age", *PAIRED_HEADER[2:]]
    answers = [["a@b.c", "30"], ["", "30"], ["", ""]]
    rows = [["t", *each, "Song", "reference", "C1", "correct", "1", ""] for each in answers]
    assert [each.listener for each in read_paired(written([header, *rows]))] == ["a@b.c, 30", "30", ""]
    early = [name for name in MUSHRA_HEADER if name not in ("session_uuid", "listener")]
    assert read_mushra(written([early, ["t", "Song", "C1", "50", "1", ""]])) == [Rating("", "Song", "C1", 50)]


def test_the_trials_of_a_forced_choice_come_back_as_one_result_for_each_listener():
    (_, (_, page, _), _) = yaml.safe_load(abx_config(TEST, n_trials=8))["pages"]
    rows = [PAIRED_HEADER]
    for listener, n_right in (("Bob", 12), ("Ann", 7)):
        for index, stimulus in enumerate(page["stimuli"]):
            answer = "correct" if index < n_right else "incorrect"
            rows.append(["t", listener, page["id"], "reference", stimulus, answer, "900", ""])
    choices = read_paired(written(rows))
    assert choices[0] == PairedChoice("Bob", "Song", "4 steps", "correct")
    assert choices[-1] == PairedChoice("Ann", "Song", "16 steps", "incorrect")
    assert abx_results(choices) == {"Bob": AbxResult(16, 12), "Ann": AbxResult(16, 7)}
    assert list(abx_results(choices)) == ["Bob", "Ann"]


def test_what_was_not_decided_is_dropped():
    answers = ["correct", "undecided", "unknown", "incorrect", "correct"]
    choices = [PairedChoice("Ann", "Song", "C1", answer) for answer in answers]
    assert abx_results(choices) == {"Ann": AbxResult(3, 2)}
    assert abx_results([PairedChoice("Ann", "Song", "C1", "undecided")]) == {}
    rows = [PAIRED_HEADER, ["t", "Ann", "Song", "reference", "C1 (1) (2)", "undecided", "1", ""]]
    assert read_paired(written(rows)) == [PairedChoice("Ann", "Song", "C1 (1)", "undecided")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("a,b\n", 1),
        (written([MUSHRA_HEADER[1:]]), 1),
        (written([PAIRED_HEADER]), 1),
        (written([MUSHRA_HEADER, ["t", "Ann", "u", "Song", "C1", "50", "1"]]), 2),
        (written([MUSHRA_HEADER, ["t", "Ann", "u", "Song", "C1", "50", "1", "", ""]]), 2),
        (written([MUSHRA_HEADER, ["t", "Ann", "u", "Song", "C1", "fine", "1", ""]]), 2),
        (written([MUSHRA_HEADER, ["t", "Ann", "u", "Song", "C1", "101", "1", ""]]), 2),
        (written([MUSHRA_HEADER, ["t", "Ann", "u", "Song", "C1", "50", "1", "x" * 200_000]]), 2),
    ],
)
def test_what_is_no_file_of_ratings_is_refused_by_its_line(text, line):
    with pytest.raises(SettingsError, match=f"Line {line} ") as refused:
        read_mushra(text)
    assert refused.value.what and refused.value.why and refused.value.todo


def test_what_is_no_answer_of_a_pair_is_refused_by_its_line():
    row = ["t", "Ann", "Song", "reference", "C1", "correct", "1", ""]
    wrong = ["t", "Ann", "Song", "reference", "C1", "perhaps", "1", ""]
    with pytest.raises(SettingsError, match=r"Line 3 .*“perhaps”"):
        read_paired(written([PAIRED_HEADER, row, wrong]))
    with pytest.raises(SettingsError, match=r"Line 1 "):
        read_paired(written([MUSHRA_HEADER]))
