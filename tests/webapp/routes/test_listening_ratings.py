"""Ratings over HTTP: the reference hidden among the sounds, scores, and the way to webMUSHRA and back."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
import soundfile
import yaml
from fastapi import FastAPI
from starlette.testclient import TestClient

from separation.comparing.blind_test import Kind
from separation.comparing.finding import finding_of
from separation.comparing.kept_sides import trial_wavs
from separation.comparing.ratings import condition_of
from separation.comparing.trials import LOW_ANCHOR, MID_ANCHOR
from separation.errors import SettingsError
from storage import ArtifactStore
from storage.records import BlindTestTable
from tests.support.listening_steps import made
from webapp.routes.blind_test_exports import add_blind_test_export_routes
from webapp.routes.listening import add_listening_routes
from webapp.routes.media import add_error_answers
from webapp.state.blind_tests import BlindTests

SCORES = {0: 100, 1: 70, MID_ANCHOR: 40, LOW_ANCHOR: 20}
NOW = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def tests(tmp_path, store):
    tests = BlindTests(store, BlindTestTable(tmp_path / "home"))
    yield tests
    tests.close()


@pytest.fixture
def client(store: ArtifactStore, tests):
    app = FastAPI()
    add_listening_routes(app, tests)
    add_blind_test_export_routes(app, store, tests)
    add_error_answers(app)
    return TestClient(app)


@pytest.fixture
def test(tests, tmp_path):
    """Of two sides over 0.5 s of a second of noise: one passage."""
    return made(tmp_path / "home", tmp_path, tests=tests, kind=Kind.RATING, n_trials=3)


def asking(client, test, token):
    headers = {"Authorization": f"Bearer {token}"}

    def ask(path, body=None):
        address = f"/listen/{test.id}/{path}"
        if body is None:
            return client.get(address, headers=headers)
        return client.post(address, headers=headers, json=body)

    return ask


def take(client, tests, test, name="Ana", scores=SCORES):
    """Take a whole set, rating by what is written on the server; return the last state."""
    state = asking(client, test, test.key)("join", {"name": name}).raise_for_status().json()
    ask = asking(client, test, state["token"])
    while not state["complete"]:
        prepared = ask("trial", {}).raise_for_status().json()
        trial = tests.listener(test.id, state["token"])[1].plan[prepared["index"]]
        body = {"index": prepared["index"], "scores": [scores[side] for side in trial.rated]}
        state |= ask("answer", body).json()
    return state


def test_a_short_span_is_one_passage_however_many_were_asked_for(test):
    assert (test.n_trials, test.passages) == (1, ((0.0, 0.5),))


def test_a_guest_rates_all_sounds_beside_the_reference_and_gets_the_result_at_the_end(client, tests, test):
    ask = asking(client, test, test.key)
    about = ask("about").json()
    assert (about["kind"], about["n_sounds"], about["n_trials"]) == ("rating", 4, 1)
    state = ask("join", {"name": "Ana"}).json()
    ask = asking(client, test, state["token"])
    prepared = ask("trial", {}).json()
    assert list(prepared["sounds"]) == list("RABCD")
    answers = [ask(f"sound/{address}") for address in prepared["sounds"].values()]
    assert len({answer.content for answer in answers}) == 5
    assert len({(len(answer.content), str(sorted(answer.headers.items()))) for answer in answers}) == 1
    assert ask("trial", {}).json() == prepared, "whoever asks again gets the same"
    end = take(client, tests, test, "Ben")
    assert "hidden reference 100" in end["finding"] and "“side 1” 70" in end["finding"]


def meanwhile(monkeypatch, happens):
    """Let something happen once, while the sounds of a trial are rendered."""
    left = [happens]

    def rendered(*given):
        wavs = trial_wavs(*given)
        if left:
            left.pop()()
        return wavs

    monkeypatch.setattr("webapp.state.blind_tests.trial_wavs", rendered)


def test_two_tabs_that_ask_at_once_get_the_same_sounds(client, tests, test, monkeypatch):
    state = asking(client, test, test.key)("join", {"name": "Ana"}).json()
    ask = asking(client, test, state["token"])
    other = []
    meanwhile(monkeypatch, lambda: other.append(ask("trial", {}).json()))
    assert ask("trial", {}).json() == other[0], "or the dither of many renderings could be averaged away"
    assert [ask(f"sound/{address}").status_code for address in other[0]["sounds"].values()] == [200] * 5


def test_a_trial_that_was_answered_while_it_was_rendered_again_is_not_prepared_again(client, tests, test, monkeypatch):
    state = asking(client, test, test.key)("join", {"name": "Ana"}).json()
    ask = asking(client, test, state["token"])
    meanwhile(monkeypatch, lambda: ask("answer", {"index": 0, "scores": [1, 2, 3, 4]}))
    assert ask("trial", {}).json()["index"] == 1


def test_no_sounds_are_left_of_a_test_that_was_deleted_while_they_were_rendered(
    client, store, tests, test, monkeypatch
):
    state = asking(client, test, test.key)("join", {"name": "Ana"}).json()
    meanwhile(monkeypatch, lambda: tests.delete(test))
    assert asking(client, test, state["token"])("trial", {}).status_code == 422
    assert not [path for path in store.scratch_folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "body",
    [{}, {"scores": [1, 2, 3]}, {"scores": [1, 2, 3, 101]}, {"scores": [1, 2, 3, -1]}, {"said": "A"}, {"scores": []}],
)
def test_what_is_no_rating_is_refused_and_nothing_is_written(client, tests, test, body):
    state = asking(client, test, test.key)("join", {"name": "Ana"}).json()
    ask = asking(client, test, state["token"])
    ask("trial", {})
    refused = ask("answer", {"index": 0, **body})
    assert refused.status_code == 422
    assert tests.listener(test.id, state["token"])[1].answers == ()


def test_no_word_before_the_end_tells_which_is_the_reference(client, tests, test):
    state = asking(client, test, test.key)("join", {"name": "Ana"})
    told = [state.text, asking(client, test, test.key)("about").text]
    ask = asking(client, test, state.json()["token"])
    trial = ask("trial", {})
    told += [trial.text, ask("answer", {"index": 0, "scores": [1, 2, 3, 4]}).text]
    for word in ("side 0", "side 1", "rated", "anchor", "plan", "hidden"):
        assert word not in " ".join(told), word


def test_scores_are_exported_for_each_sound(client, tests, test):
    take(client, tests, test)
    rows = list(csv.DictReader(io.StringIO(client.get(f"/tests/{test.id}/answers.csv").text)))
    assert {row["sound"]: row["score"] for row in rows if row["training"] == "False"} == {
        "hidden reference": "100",
        "side 1": "70",
        "7 kHz anchor": "40",
        "3.5 kHz anchor": "20",
    }
    assert {(row["start_s"], row["end_s"]) for row in rows} == {("0.0", "0.5")}
    whole = client.get(f"/tests/{test.id}/test.json").json()
    assert {one["sound"]: one["mean"] for one in whole["ratings"]}["side 1"] == 70
    assert whole["listeners"][0]["answers"][-1].keys() >= {"sound", "score"}


def test_it_goes_to_webmushra_with_a_page_and_sounds_for_each_passage(client, tests, test):
    answer = client.get(f"/tests/{test.id}/webmushra.zip")
    name = f"audio-playground-{test.id}"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        config = yaml.safe_load(bundle.read(f"configs/{name}.yaml"))
        sounds = {place: soundfile.info(io.BytesIO(bundle.read(place))) for place in bundle.namelist()[1:]}
    pages = [one for page in config["pages"] for one in (page if isinstance(page, list) else [page])]
    (page,) = [page for page in pages if isinstance(page, dict) and page["type"] == "mushra"]
    assert {page["reference"], *page["stimuli"].values()} == set(sounds)
    assert page["createAnchor35"] and page["createAnchor70"]
    assert list(page["stimuli"]) == ["side 2"], "webMUSHRA hides the reference itself"
    assert {sound.frames for sound in sounds.values()} == {4_000}


def mushra_csv(test, *rows):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        [
            "session_test_id",
            "listener",
            "session_uuid",
            "trial_id",
            "rating_stimulus",
            "rating_score",
            "rating_time",
            "rating_comment",
        ]
    )
    for listener, condition, score in rows:
        writer.writerow(["t", listener, "u", f"{test.id}-1", condition, score, 0, ""])
    return out.getvalue()


def test_what_was_rated_there_counts_here_and_once(tests, test):
    rows = [
        (who, condition_of(test, side), score)
        for who, scores in (("Ana", SCORES), ("Ben", SCORES | {1: 80}))
        for side, score in scores.items()
    ]
    text = mushra_csv(test, *rows)
    assert tests.add_answers(test, text) == 2
    assert tests.add_answers(test, text) == 2
    listeners = tests.listeners(test)
    assert sorted(one.name for one in listeners) == ["Ana (webMUSHRA)", "Ben (webMUSHRA)"]
    assert all(one.complete for one in listeners)
    other = [("Ana", condition_of(test, side), 90) for side in SCORES]
    tests.add_answers(test, mushra_csv(test, *other))
    assert len(tests.listeners(test)) == 3, "somebody else of that name, in another file"
    listeners = listeners[:2]
    assert dict(finding_of(test, listeners).ratings)["side 1"].mean == 75


@pytest.mark.parametrize(
    "change", [("anchor35", "anchor36"), ("-1,", "-9,"), ("rating_score", "score"), ("100", "101")]
)
def test_results_of_another_test_are_refused_and_nothing_is_counted(tests, test, change):
    text = mushra_csv(test, *((("Ana", condition_of(test, side), score)) for side, score in SCORES.items()))
    assert change[0] in text
    with pytest.raises(SettingsError):
        tests.add_answers(test, text.replace(*change))
    assert tests.listeners(test) == []


@pytest.mark.parametrize("missing", [0, 1, MID_ANCHOR])
def test_a_rating_that_lacks_a_sound_is_refused_and_the_finding_stays_readable(tests, test, missing):
    rows = [("Ana", condition_of(test, side), score) for side, score in SCORES.items() if side != missing]
    with pytest.raises(SettingsError, match="Ana"):
        tests.add_answers(test, mushra_csv(test, *rows))
    assert finding_of(test, tests.listeners(test)).words == ()


def test_two_listeners_of_one_name_are_not_taken_for_one(tests, test):
    rows = [("Ana", condition_of(test, side), score) for side, score in SCORES.items()]
    with pytest.raises(SettingsError, match="twice"):
        tests.add_answers(test, mushra_csv(test, *rows, *rows))


def test_a_file_without_answers_is_said(tests, test):
    with pytest.raises(SettingsError, match="no answers"):
        tests.add_answers(test, mushra_csv(test))


def test_abx_answers_of_webmushra_count_as_listeners_of_the_test(tests, tmp_path):
    test = made(tmp_path / "home", tmp_path, tests=tests, n_trials=4)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        [
            "session_test_id",
            "listener",
            "trial_id",
            "choice_reference",
            "choice_non_reference",
            "choice_answer",
            "choice_time",
            "choice_comment",
        ]
    )
    for trial, answer in enumerate(("correct", "correct", "incorrect", "undecided"), start=1):
        writer.writerow(["t", "Ana", test.id, "reference", f"B ({trial})", answer, 0, ""])
    assert tests.add_answers(test, out.getvalue()) == 1
    (row,) = finding_of(test, tests.listeners(test)).rows
    assert (row.n_answered, row.n_right) == (3, 2)
    with pytest.raises(SettingsError, match="another test"):
        tests.add_answers(test, out.getvalue().replace(test.id, "ffff"))
