"""The listening room over HTTP: a link opens one test and nothing else, and nothing tells which sound X is."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import soundfile
import yaml

from separation.comparing.blind_test import Kind
from separation.comparing.trials import Said
from storage import ArtifactStore
from storage.records import BlindTestTable
from tests.support.listening_steps import Guest, made
from tests.support.server import RunningServer, running_server
from webapp.state.blind_tests import MOST_PREPARED, BlindTests


@pytest.fixture(scope="module")
def studio() -> Iterator[RunningServer]:
    """The studio as it starts."""
    with running_server(asks_for_token=True) as server:
        yield server


@pytest.fixture
def tests(studio: RunningServer) -> BlindTests:
    """What the host sees."""
    return BlindTests(ArtifactStore(studio.home), BlindTestTable(studio.home))


@pytest.fixture
def guest(studio: RunningServer, tmp_path: Path) -> Guest:
    test = made(studio.home, tmp_path)
    return Guest(studio.url, test.id, test.key)


def listener_of(tests: BlindTests, guest: Guest):
    return tests.listener(guest.test, guest.token)[1]


def knowing(tests: BlindTests, guest: Guest):
    """Answers everything rightly, by what is written on the server."""

    def answer(prepared, sounds):
        trial = listener_of(tests, guest).plan[prepared["index"]]
        return "A" if trial.x == trial.a else "B"

    return answer


def test_a_guest_without_a_session_takes_a_whole_test_and_gets_the_result_at_its_end(tests, guest):
    state = guest.join("Ana", left=True, right=True, headphones=False)
    assert (state["training"], state["n_answered"], state["finding"]) == (True, 0, "")
    end = guest.take(knowing(tests, guest))
    assert end["complete"] and end["n_answered"] == 16
    assert "16 of 16 right (p < 0.001" in end["finding"]
    (listener,) = tests.listeners(tests.get(guest.test))
    assert (listener.name, listener.complete, dict(listener.checks)["headphones"]) == ("Ana", True, False)


def test_the_link_opens_that_test_and_nothing_else(studio, guest):
    guest.join()
    for path in ("/", "/library", "/compare", f"/tests/{guest.test}/test.json", "/media/0/audio/pcm?start=0&count=1"):
        answer = httpx.get(studio.url + path, headers={"Authorization": f"Bearer {guest.token}"})
        assert answer.status_code in (303, 401), path


@pytest.mark.parametrize("token", ["", "wrong", "é"])
def test_without_the_key_there_is_nothing_and_no_word_whether_it_exists(studio, guest, token):
    nowhere = Guest(studio.url, "00000000", "")
    answers = [one.ask("about", token=token) for one in (guest, nowhere)]
    assert {answer.status_code for answer in answers} == {422}
    assert answers[0].json() == answers[1].json()
    for path, body in (("state", None), ("trial", {}), ("answer", {"index": 0, "said": "A"}), ("join", {"name": "x"})):
        assert guest.ask(path, body, token=token).status_code == 422, path


def test_a_listener_of_one_test_is_none_of_another(studio, guest, tmp_path):
    other = made(studio.home, tmp_path)
    guest.join()
    assert Guest(studio.url, other.id, other.key).ask("state", token=guest.token).status_code == 422
    assert guest.ask("about", token=guest.token).status_code == 422, "a listener's token is no key"
    assert guest.ask("state", token=guest.key).status_code == 422


def test_only_the_sounds_of_the_present_trial_are_there_and_only_for_their_listener(studio, guest):
    guest.join()
    first, _ = guest.trial()
    other = Guest(studio.url, guest.test, guest.key)
    other.join("Bo")
    for address in first["sounds"].values():
        assert guest.ask(f"sound/{address}").status_code == 200
        assert other.ask(f"sound/{address}").status_code == 404
    assert guest.trial()[0] == first, "whoever asks again gets the same sounds"
    guest.answer(first["index"], "A")
    guest.trial()
    assert {guest.ask(f"sound/{address}").status_code for address in first["sounds"].values()} == {404}
    assert guest.ask("sound/..%2F..%2Fstorage_secret").status_code == 404


def test_an_answer_that_is_sent_twice_counts_once_and_others_are_refused(guest):
    guest.join()
    assert guest.answer(0, "A") == guest.answer(0, "A")
    assert guest.ask("answer", {"index": 0, "said": "B"}).status_code == 422
    assert guest.ask("answer", {"index": 5, "said": "A"}).status_code == 422
    for nonsense in (
        {"index": 1, "said": "C"},
        {"index": -1, "said": "A"},
        {"said": "A"},
        [],
        {"index": 1, "said": "none"},
    ):
        assert guest.ask("answer", nonsense).status_code == 422, nonsense
    assert guest.ask("state").json()["index"] == 1


def test_a_closed_test_takes_no_more_and_one_that_is_reopened_after_a_look_says_so(tests, guest):
    guest.join()
    test = tests.close_test(tests.get(guest.test))
    assert guest.ask("answer", {"index": 0, "said": "A"}).json()["what"] == "This test is closed."
    assert guest.ask("join", {"name": "late"}, token=guest.key).status_code == 422
    assert guest.ask("about", token=guest.key).json()["closed"] and guest.ask("state").json()["closed"]
    assert not tests.reopen(test).reopened, "nobody had seen anything"
    test = tests.reopen(tests.close_test(tests.mark_seen(tests.get(guest.test))))
    assert test.reopened
    assert "reopened" in guest.take(knowing(tests, guest))["finding"]


def test_a_deleted_test_is_gone_with_its_sounds(studio, tests, guest):
    guest.join()
    test = tests.get(guest.test)
    tests.delete(test)
    assert guest.ask("state").status_code == 422 and guest.ask("about", token=guest.key).status_code == 422
    assert tests.listeners(test) == []
    assert ArtifactStore(studio.home).get(test.sounds) is None


def test_the_sounds_of_a_trial_are_on_the_disk_for_as_long_as_it_is_heard(tmp_path):
    home = tmp_path / "home"
    tests = BlindTests(ArtifactStore(home), BlindTestTable(home))

    def files():
        return sum(one.is_file() for one in (home / "scratch").rglob("*"))

    test = made(home, tmp_path, n_trials=1, guided=False, tests=tests)
    ana, bo = (tests.join(test, name, {}) for name in ("Ana", "Bo"))
    before = files()
    tests.prepare(test, ana)
    tests.prepare(test, ana)
    tests.prepare(test, bo)
    assert files() == before + 6
    tests.answer(test, ana, 0, Said.A)
    assert files() == before + 3, "Ana is done; Bo is not"
    tests.delete(test)
    assert files() == before
    tests.close()


def test_many_listeners_do_not_fill_the_disk_and_whoever_was_dropped_gets_the_sounds_anew(tmp_path):
    home = tmp_path / "home"
    tests = BlindTests(ArtifactStore(home), BlindTestTable(home))
    test = made(home, tmp_path, n_trials=1, guided=False, tests=tests)
    before = sum(one.is_file() for one in (home / "scratch").rglob("*"))
    first, *others = (tests.join(test, str(n), {}) for n in range(MOST_PREPARED + 1))
    prepared = tests.prepare(test, first)
    for other in others:
        tests.prepare(test, other)
    assert sum(one.is_file() for one in (home / "scratch").rglob("*")) == before + 3 * MOST_PREPARED
    assert tests.sound(test, first, prepared.addresses["A"]) is None
    anew = tests.prepare(test, first)
    assert tests.sound(test, first, anew.addresses["A"])
    tests.close()


def test_names_are_texts_of_at_most_a_line(tests, guest):
    guest.join("  =HYPERLINK()\n" + 60 * "x")
    name = tests.listeners(tests.get(guest.test))[0].name
    assert len(name) == 40 and "\n" not in name
    assert guest.ask("join", {"name": 1_000 * "x"}, token=guest.key).status_code == 422
    many = {str(n): True for n in range(9)}
    assert guest.ask("join", {"name": "x", "checks": many}, token=guest.key).status_code == 422


def test_a_preference_knows_no_difference(studio, tests, tmp_path):
    test = made(studio.home, tmp_path, kind=Kind.PREFERENCE, n_sides=3, n_trials=6, guided=False)
    guest = Guest(studio.url, test.id, test.key)
    guest.join()
    prepared, sounds = guest.trial()
    assert list(prepared["sounds"]) == ["A", "B"] == list(sounds)
    end = guest.take(lambda prepared, sounds: "none")
    assert "none with a difference" in end["finding"]
    assert end["back"] == "/compare?items=key+0%2Ckey+1%2Ckey+2&stem=drums"


@pytest.mark.long
def test_what_was_answered_survives_a_kill_and_the_guest_goes_on(tmp_path):
    home = tmp_path / "home"
    with running_server(home=home) as server:
        test = made(home, tmp_path)
        guest = Guest(server.url, test.id, test.key)
        guest.join()
        for index in range(5):
            guest.trial()
            guest.answer(index, "A")
        guest.trial()
        server.kill()
    with running_server(home=home, port=server.port):
        assert guest.ask("state").json()["index"] == 5
        end = guest.take(lambda prepared, sounds: "A")
        assert end["complete"]
        scratch = [one for one in (home / "scratch").rglob("*") if one.is_file()]
        assert scratch == [], "those before the kill were swept, and nobody hears the last ones any more"


def test_the_host_gets_all_answers_as_a_table_and_as_json(studio, tests, guest):
    guest.join("=1+1")
    guest.take(knowing(tests, guest))
    with httpx.Client(base_url=studio.url, headers={"Origin": studio.url}) as host:
        host.get("/", params={"token": (studio.home / "host_token").read_text()}, headers={"Accept": "text/html"})
        table = host.get(f"/tests/{guest.test}/answers.csv")
        whole = host.get(f"/tests/{guest.test}/test.json")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert len(rows) == 17 and Counter(row["training"] for row in rows) == {"True": 1, "False": 16}
    assert {row["right"] for row in rows} == {"True"}
    assert {row["name"] for row in rows} == {"'=1+1"}, "no formula for a spreadsheet"
    for row in rows[1:]:
        assert row["x"] == row[row["answer"].lower()] != ""
    exported = whole.json()
    assert exported["finding"] and len(exported["listeners"][0]["answers"]) == 17
    assert guest.key not in whole.text and "attachment" in whole.headers["content-disposition"]


def test_an_abx_test_goes_to_webmushra_with_its_sounds(studio, guest, tmp_path):
    preference = made(studio.home, tmp_path, kind=Kind.PREFERENCE)
    with httpx.Client(base_url=studio.url, headers={"Origin": studio.url}) as host:
        host.get("/", params={"token": (studio.home / "host_token").read_text()}, headers={"Accept": "text/html"})
        answer = host.get(f"/tests/{guest.test}/webmushra.zip")
        refused = host.get(f"/tests/{preference.id}/webmushra.zip")
    name = f"audio-playground-{guest.test}"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        config = yaml.safe_load(bundle.read(f"configs/{name}.yaml"))
        sounds = {place: soundfile.info(io.BytesIO(bundle.read(place))) for place in bundle.namelist()[1:]}
    pages = [one for page in config["pages"] for one in (page if isinstance(page, list) else [page])]
    (page,) = [page for page in pages if isinstance(page, dict) and page["type"] == "paired_comparison"]
    assert {page["reference"], *page["stimuli"].values()} == set(sounds)
    assert len(page["stimuli"]) == 16
    assert {(sound.subtype, sound.frames) for sound in sounds.values()} == {("PCM_24", 4_000)}
    assert refused.status_code == 422 and "ABX" in refused.json()["todo"]


# Nothing but the samples tells which sound X is.


def features(sounds: dict[str, httpx.Response], prepared) -> dict[str, list[object]]:
    """Everything of A, B and X but their samples, and the time they took."""
    return {
        name: [
            answer.status_code,
            sorted((key, value) for key, value in answer.headers.items() if key != "date"),
            len(answer.content),
            answer.content[:44],
            prepared["sounds"][name],
            str(answer.url),
        ]
        for name, answer in sounds.items()
    }


def guess(found: dict[str, list[object]]) -> str:
    """Say what X is more like: equal values count, then how near texts and numbers are."""
    votes = Counter({"A": 0.0, "B": 0.0})
    for index, value in enumerate(found["X"]):
        for name in "AB":
            votes[name] += value == found[name][index]
        near = {name: abs(hash_order(value) - hash_order(found[name][index])) for name in "AB"}
        votes[min(near, key=near.__getitem__)] += 0.5 * (near["A"] != near["B"])
    return votes.most_common(1)[0][0]


def hash_order(value: object) -> float:
    """Where a value lies in the order of texts, as a number."""
    return sum(byte / 256**place for place, byte in enumerate(repr(value).encode()[-24:], start=1))


def two_sided(n_right: int, n: int) -> float:
    """The exact chance of a guesser to be as far from one half."""
    far = abs(2 * n_right - n)
    return sum(math.comb(n, k) for k in range(n + 1) if abs(2 * k - n) >= far) / 2**n


@pytest.mark.long
def test_a_script_that_sees_everything_but_the_samples_guesses_no_better_than_chance(tmp_path):
    home = tmp_path / "home"
    with running_server(module="tests.support.listening_app", home=home) as server:
        tests = BlindTests(ArtifactStore(home), BlindTestTable(home))
        test = made(home, tmp_path, n_trials=100, guided=False, tests=tests)
        right, slow = [], []
        for _ in range(4):
            guest = Guest(server.url, test.id, test.key)
            guest.join()

            def answer(prepared, sounds, guest=guest):
                assert len({len(one.content) for one in sounds.values()}) == 1
                trial = listener_of(tests, guest).plan[prepared["index"]]
                truth = "A" if trial.x == trial.a else "B"
                right.append(guess(features(sounds, prepared)) == truth)
                times = {name: abs(sounds[name].elapsed - sounds["X"].elapsed) for name in "AB"}
                slow.append(min(times, key=times.__getitem__) == truth)
                return truth  # the script that is given the key

            end = guest.take(answer)
            assert "100 of 100 right" in end["finding"], "with the key it wins"
    assert len(right) == 400
    assert two_sided(sum(right), 400) > 0.01
    assert two_sided(sum(slow), 400) > 1e-4, "times differ each time the test is run"


def test_no_answer_before_the_end_says_anything_of_the_sides(tests, guest):
    told = [guest.ask("about", token=guest.key).text, str(guest.join())]
    while True:
        prepared, sounds = guest.trial()
        told += [str(prepared), *(str(one.headers) for one in sounds.values())]
        state = guest.answer(prepared["index"], knowing(tests, guest)(prepared, sounds))
        if state["complete"]:
            break
        told.append(str(state))
    plan = listener_of(tests, guest).plan
    everything = " ".join(told).replace(guest.token, "")
    for word in ("side 0", "side 1", "key 0", "gain", "plan", "right", "'x'", "'a'", "'b'"):
        assert word not in everything, word
    assert len(plan) == 17
    assert "side 0" in state["finding"]


def test_sounds_are_24_bit_pcm_that_no_cache_keeps(guest):
    guest.join()
    _, sounds = guest.trial()
    assert list(sounds) == ["A", "B", "X"]
    for answer in sounds.values():
        assert soundfile.info(io.BytesIO(answer.content)).subtype == "PCM_24"
        assert answer.headers["cache-control"] == "no-store" and "etag" not in answer.headers
        assert answer.headers["content-encoding"] == "identity"
    assert len({answer.content for answer in sounds.values()}) == 3


@pytest.mark.long
def test_the_page_is_the_same_for_every_test(studio, guest):
    pages = [httpx.get(f"{studio.url}/listen/{name}") for name in (guest.test, "00000000")]
    assert pages[0].text == pages[1].text and pages[0].status_code == 200
    assert "light dark" not in pages[0].text and "color-scheme: dark light" in pages[0].text
    dark = httpx.get(f"{studio.url}/listen/{guest.test}", cookies={"scheme": "dark"}).text
    assert 'style="color-scheme: dark"' in dark
    sheets = [part.split('"')[0] for part in pages[0].text.split('href="')[2:]]
    assert [Path(sheet).name for sheet in sheets] == ["colors.css", "listen.css"]
    for sheet in sheets:
        assert httpx.get(f"{studio.url}/listen/{sheet}").status_code == 200
    for other in ("page.py", "theme.css", "../static/theme.css"):
        assert httpx.get(f"{studio.url}/listen/{sheets[0].replace('colors.css', other)}").status_code in (303, 404)
