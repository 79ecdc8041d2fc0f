"""`audio-playground compare`: makes tests of files and of what is kept, lists them, and writes their answers down."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assets.demo_recording import load_demo
from separation.comparing.trials import LOW_ANCHOR, MID_ANCHOR, Said
from separation.listening.webmushra import RATING_COLUMNS
from separation.results.known_stems import with_known_stems
from storage import ArtifactStore
from storage.records import BlindTestTable
from tests.support.terminal import audio_playground
from webapp.state.blind_tests import BlindTests

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def files(folder):
    """Twelve seconds of the demo, and the same a sample later at half the level."""
    demo = load_demo()
    count = 12 * demo.sample_rate
    soundfile.write(folder / "a.flac", demo.mixture[:, :count].T, demo.sample_rate)
    later = np.roll(demo.mixture[:, :count], 1, axis=1)
    soundfile.write(folder / "b.flac", 0.5 * later.T, demo.sample_rate)
    return folder


def told(*words):
    return json.loads(audio_playground("compare", *words, "--json").stdout)


@pytest.fixture
def tests(folder):
    tests = BlindTests(ArtifactStore(folder / "home"), BlindTestTable(folder / "home"))
    yield tests
    tests.close()


def test_two_files_make_an_abx_of_the_middle_equally_loud(files, tests):
    made = told("a.flac", "b.flac", "--abx", 12, "--studio", "http://studio:8080/")
    (test,) = tests.all()
    assert made["address"] == f"http://studio:8080/listen/{test.id}#key={test.key}"
    assert (test.kind.value, test.n_trials, test.guided) == ("abx", 12, False)
    assert (test.start_s, test.end_s) == (2.0, 10.0)
    assert [side.name for side in test.sides] == ["a.flac", "b.flac"]
    assert test.sides[0].gain_db == pytest.approx(-6.02, abs=0.05) and test.sides[1].gain_db == 0


def test_what_is_kept_is_named_by_how_its_key_begins(files, tests):
    audio_playground("extract", "builtin", "a.flac", "-p", "drums", "-o", "out")
    key = ArtifactStore(files / "home").list("result")[0].key
    told(key[:12], "a.flac", "--preference", 5, "--stem", "drums", "--start-time", 1, "--end-time", 3, "--invite")
    (test,) = tests.all()
    assert (test.kind.value, test.stem, test.guided, test.recording_name) == ("preference", "drums", True, "a.flac")
    assert [side.name for side in test.sides] == ["Built-in separator", "a.flac"]
    assert test.sides[0].run_s > 0 and test.sides[0].source == key


def test_a_test_belongs_to_the_recording_of_its_result_whichever_side_that_is(files, tests):
    audio_playground("extract", "builtin", "a.flac", "-p", "drums", "-o", "out")
    result = ArtifactStore(files / "home").list("result")[0]
    told("b.flac", result.key, "--abx", 4)
    (test,) = tests.all()
    assert (test.recording, test.recording_name) == (result.manifest.inputs["recording"], "a.flac")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["a.flac"], "1 sounds cannot be compared"),
        (["a.flac", "b.flac", "a.flac"], "3 sounds cannot be compared"),
        (["a.flac", "b.flac", "--abx", 4, "--preference", 4], "Two kinds"),
        (["a.flac", "nowhere.flac"], "nowhere.flac"),
        (["a.flac", "b.flac", "--end-time", 90, "--start-time", 50], "passage"),
    ],
)
def test_what_cannot_be_a_test_is_said(files, tests, words, says):
    result = audio_playground("compare", *words, status=3 if "nowhere" in says else 2)
    assert says in result.stderr
    assert tests.all() == []


def test_a_rating_is_of_passages_beside_the_first_side(files, tests):
    told("a.flac", "b.flac", "--rating", 3)
    (test,) = tests.all()
    assert (test.kind.value, test.reference, test.n_trials) == ("rating", 0, 1), "12 s have one passage of 8 s"
    assert [side.name for side in test.sides] == ["a.flac", "b.flac"]


def test_true_stems_are_named_by_their_recording(files, tests):
    store = ArtifactStore(files / "home")
    audio_playground("extract", "builtin", "a.flac", "-p", "singing", "-o", "out")
    (recording,), (result,) = store.list("recording"), store.list("result")
    refused = audio_playground("compare", f"{recording.key[:12]}.stems", result.key, status=2)
    assert "no true stems" in refused.stderr
    demo = load_demo()
    stems = {name: samples[:, : 12 * demo.sample_rate] for name, samples in demo.stems.items()}
    with_known_stems(store.get(recording.key), stems, store, sample_rate=demo.sample_rate)
    told(f"{recording.key[:12]}.stems", result.key[:12], "--rating", 1, "--stem", "singing")
    (test,) = tests.all()
    assert [side.name for side in test.sides] == ["True stems", "Built-in separator"]
    assert (test.recording, test.recording_name) == (recording.key, "a.flac")
    assert test.sides[0].source == f"{recording.key}.stems"


class Foreseen:
    """Draws the same each time."""

    def __init__(self):
        self._random = random.Random(0)

    def randbelow(self, bound, /):
        return self._random.randrange(bound)

    def token_urlsafe(self, nbytes, /):
        return self._random.randbytes(nbytes).hex()


def answer_rightly(test):
    """A listener who hears it each time."""
    home = Path("home")
    tests = BlindTests(ArtifactStore(home), BlindTestTable(home), Foreseen())
    listener = tests.join(test, "=Ana", {})
    for index, trial in enumerate(listener.plan):
        listener = tests.answer(test, listener, index, Said.A if trial.x == trial.a else Said.B)
    tests.close()


def test_tests_are_listed_and_written_down_with_their_answers(files, tests):
    told("make", "a.flac", "b.flac", "--abx", 10)
    (test,) = tests.all()
    assert told("list")["tests"] == [{"id": test.id, "title": test.title, "n_complete": 0, "finding": []}]
    assert not tests.get(test.id).seen
    answer_rightly(test)
    assert "10 of 10 right" in told("list")["tests"][0]["finding"][0]
    assert tests.get(test.id).seen, "whoever reopens it now has seen them"
    told("export", test.id)
    written = json.loads((files / f"test-{test.id}.json").read_text("utf-8"))
    assert len(written["listeners"][0]["answers"]) == 10 and test.key not in json.dumps(written)
    told("export", test.id, "-o", "answers.csv")
    with (files / "answers.csv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    assert [row["right"] for row in rows] == ["True"] * 10 and {row["name"] for row in rows} == {"'=Ana"}


def test_an_export_is_json_or_csv_of_a_test_that_is_there(files):
    assert "compare list" in audio_playground("compare", "export", "00000000", status=2).stderr
    assert ".csv" in audio_playground("compare", "export", "00000000", "-o", "a.txt", status=2).stderr
    assert "no listening tests" in audio_playground("compare", "list").stdout


def test_the_address_is_opened_in_the_browser_when_asked(files, tests, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    made = told("a.flac", "b.flac", "--open")
    assert opened == [made["address"]]
    assert tests.all()[0].n_trials == 16


COLUMNS = (
    "session_test_id listener trial_id choice_reference choice_non_reference choice_answer choice_time choice_comment"
)
HEADER = ",".join(f'"{name}"' for name in COLUMNS.split()) + "\n"


def test_answers_that_webmushra_has_written_are_read(folder):
    rows = [
        f'"t","{name}","0f","C1","B ({n})","{"correct" if n <= right else "incorrect"}","900",""\n'
        for name, right in (("Ana", 10), ("Bo", 6))
        for n in range(1, 11)
    ]
    (folder / "paired_comparison.csv").write_text(HEADER + "".join(rows), encoding="utf-8")
    found = told("read", "paired_comparison.csv")
    assert found["listeners"] == {"Ana": {"n_right": 10, "n_trials": 10}, "Bo": {"n_right": 6, "n_trials": 10}}
    assert "16 of 20 right by 2 listeners" in found["finding"]
    (folder / "empty.csv").write_text(HEADER, encoding="utf-8")
    for name in ("empty.csv", "nowhere.csv"):
        assert name in audio_playground("compare", "read", name, status=2 if name == "empty.csv" else 3).stderr


def ratings_csv(path, item, listeners):
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["session_test_id", "listener", *RATING_COLUMNS])
        for name, scores in listeners.items():
            writer.writerows(["t", name, item, condition, score, 0, ""] for condition, score in scores.items())


GOOD = {"reference": 100, "side 2": 70, "anchor70": 40, "anchor35": 20}


def test_ratings_that_webmushra_has_written_are_read(folder):
    ratings_csv(folder / "mushra.csv", "one", {"Ana": GOOD, "Ben": GOOD | {"side 2": 80, "reference": 60}})
    found = told("read", "mushra.csv")
    assert found["left_out"] == [] and found["conditions"]["side 2"]["mean"] == 75
    plain = audio_playground("compare", "read", "mushra.csv")
    assert "Ben: rated the hidden reference below 90 in 1 of 1" in plain.stdout + plain.stderr
    assert "side 2: 75.0 (95 % interval " in plain.stdout + plain.stderr
    ratings_csv(folder / "alone.csv", "one", {"Ana": GOOD})
    plain = audio_playground("compare", "read", "alone.csv")
    assert "side 2: 70.0" in plain.stdout + plain.stderr and "interval" not in plain.stdout + plain.stderr
    ratings_csv(folder / "empty.csv", "one", {})
    assert "no answers" in audio_playground("compare", "read", "empty.csv", status=2).stderr


def test_they_can_be_counted_in_the_test_that_they_answer(files, tests):
    made = told("a.flac", "b.flac", "--rating", 1)
    ratings_csv(files / "mushra.csv", f"{made['id']}-1", {"Ana": GOOD})
    assert told("read", "mushra.csv", "--test", made["id"])["n_listeners"] == 1
    (test,) = tests.all()
    (listener,) = tests.listeners(test)
    assert dict(zip(listener.plan[0].rated, listener.answers[0], strict=True)) == {
        0: 100,
        1: 70,
        MID_ANCHOR: 40,
        LOW_ANCHOR: 20,
    }
    (found,) = told("list")["tests"]
    assert "b.flac” 70" in found["finding"][0]
    assert "no listening test" in audio_playground("compare", "read", "mushra.csv", "--test", "f00d", status=2).stderr
