"""Blind tests in real browsers: from the Studio to the first trial, by keyboard to the end, and with guests."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import numpy as np
import pytest
from selenium.webdriver import Chrome, Keys

from separation.comparing.blind_test import Kind
from separation.comparing.trial_sounds import dithered_wav
from storage import ArtifactStore
from storage.records import BlindTestTable
from tests.browser.test_axe import faults
from tests.support.browser import DESKTOP, PHONE, chromium, console_errors, resize, wait_until
from tests.support.listening_steps import Guest, made
from tests.support.player_endurance import keep_noise
from tests.support.server import RunningServer, running_server
from tests.support.studio_steps import Studio
from webapp.state.blind_tests import BlindTests

pytestmark = pytest.mark.browser


@pytest.fixture
def room(browser: Chrome, server: RunningServer) -> Iterator[Studio]:
    yield Studio(browser, server.url)
    assert console_errors(browser) == []


def title(room: Studio) -> str:
    return (room.texts("h1") or [""])[0]


def status(room: Studio) -> str:
    return " ".join(room.texts("[role=status]"))


def seen(room: Studio, text: str) -> None:
    wait_until(lambda: text in title(room), f"“{text}”")


def press(room: Studio, keys: str) -> None:
    room.one("body").send_keys(keys)


def open_link(room: Studio, test, url: str = "") -> None:
    room.browser.get("about:blank")  # else only what is behind # would change
    room.browser.get(f"{url or room.url}/listen/{test.id}#key={test.key}")


def test_from_two_results_in_the_studio_it_is_two_clicks_to_the_first_trial(room: Studio, server) -> None:
    recording, results = keep_noise(ArtifactStore(server.home), 2)
    room.browser.get(f"{room.url}/?recording={recording.key}&result={results[0].key}")
    other = wait_until(lambda: room.setting("Compare with"), "the other result").find_elements("tag name", "option")[1]
    room.set("Compare with", other.text)
    wait_until(lambda: room.texts(".sides label"), "A and B")
    room.button("Blind test").click()  # one
    seen(room, "noise.wav · drums")
    room.button("Start").click()  # two
    seen(room, "Is X the sound A or the sound B?")
    assert not room.all('.sound[aria-pressed="true"]'), "nothing plays before it is asked for"
    for n in range(16):
        wait_until(lambda n=n: f"Trial {n + 1} of 16" in status(room), "the trial")
        for key in ("x", "b", "a") if n in (0, 15) else ():  # the keys of the first trial are those of the last
            press(room, key)
            wait_until(lambda key=key: room.one('.sound[aria-pressed="true"] b').text == key.upper(), key)
        press(room, Keys.ARROW_LEFT if n % 2 else Keys.ARROW_RIGHT)
        wait_until(lambda n=n: f"Trial {n + 1} of" not in status(room), "the next trial")
    seen(room, "Done")
    assert "right" in status(room)
    room.one("a").click()
    wait_until(lambda: "Host: 16 of 16" in "".join(room.texts(".test-card")), "the test in the list")


@pytest.mark.parametrize("kind", [Kind.ABX, Kind.PREFERENCE])
def test_each_sound_plays_and_stops_by_its_own_button_and_key_in_any_order(
    room: Studio, server, tmp_path, kind
) -> None:
    test = made(server.home, tmp_path, kind=kind, n_trials=2, guided=False)
    open_link(room, test)
    asked = {"abx": "is X the sound A or the sound B?", "preference": "which one sounds better to you, A or B?"}[kind]
    wait_until(lambda: f"2 times: {asked}" in " ".join(room.texts("p")), "what will be asked")
    assert "2 answers tell what you hear from luck." in " ".join(room.texts("p"))
    room.button("Start").click()
    wait_until(lambda: "Trial 1 of 2" in status(room), "the first trial")
    assert title(room).lower() == asked.lower()
    sounds = {one.text.split("\n")[0]: one for one in room.all(".sound")}

    def shown() -> dict[str, str]:
        return dict(text.split("\n") for text in room.texts(".sound"))

    silent = {name: f"Play ({name})" for name in sounds}
    assert shown() == silent, "nobody is made to hear A first"
    press(room, "b")
    wait_until(lambda: shown() == silent | {"B": "Stop (B)"}, "B first, by its key")
    sounds["A"].click()
    wait_until(lambda: shown() == silent | {"A": "Stop (A)"}, "A by its button")
    press(room, "a")
    wait_until(lambda: shown() == silent, "A stopped by its key")
    sounds["B"].click()
    wait_until(lambda: shown() == silent | {"B": "Stop (B)"}, "B")
    sounds["B"].click()
    wait_until(lambda: shown() == silent, "B stopped by its button")
    press(room, "k")
    wait_until(lambda: shown() == silent | {"B": "Stop (B)"}, "the last one again")
    room.button("Stop (K)").click()
    wait_until(lambda: shown() == silent and "Play (K)" in room.texts(".foot .plain"), "stopped")
    press(room, Keys.ARROW_LEFT)
    wait_until(lambda: "Trial 2 of 2" in status(room), "the second trial")
    assert shown() == silent


@pytest.mark.parametrize("place", ["/compare?items={},{}", "/compare", "/library"])
def test_a_test_that_was_left_is_gone_on_with_from_every_list_of_tests(room: Studio, server, place: str) -> None:
    _, results = keep_noise(ArtifactStore(server.home), 2)
    place = place.format(results[0].key, results[1].key)
    room.browser.get(f"{room.url}/compare?items={results[0].key},{results[1].key}")
    wait_until(lambda: room.texts(".sides label"), "the sides")
    room.button("Better?").click()
    room.button("Start a blind test").click()
    seen(room, "noise.wav · drums")
    room.button("Start").click()
    for n in range(3):
        wait_until(lambda n=n: f"Trial {n + 1} of 16" in status(room), "the trial")
        press(room, Keys.ARROW_DOWN)
    wait_until(lambda: "Trial 4 of 16" in status(room), "the fourth")
    (id,) = re.findall(r"/listen/(\w+)", room.browser.current_url)
    room.button("Leave").click()
    wait_until(lambda: "/compare" in room.browser.current_url, "the comparison again")
    room.js("localStorage.clear()")  # as in another browser of the host
    room.browser.get(room.url + place)
    wait_until(lambda: "3 of 16" in " ".join(room.texts(".test-card, .test-lines")), "how far it is")
    go_on = f'a.button[href*="/listen/{id}#"]'
    wait_until(lambda: room.texts(go_on) == ["Go on"], "continuing")
    next(one for one in room.all(go_on) if one.is_displayed()).click()
    wait_until(lambda: "3 of 16 answered so far." in room.texts("p"), "where it was")
    room.button("Go on").click()
    wait_until(lambda: "Trial 4 of 16" in status(room), "the fourth again")
    for n in range(3, 16):
        wait_until(lambda n=n: f"Trial {n + 1} of 16" in status(room), "the trial")
        press(room, Keys.ARROW_DOWN)
    seen(room, "Done")
    room.browser.get(room.url + place)
    wait_until(lambda: "16 of 16" in " ".join(room.texts(".test-card, .test-lines")), "that it is over")
    assert room.texts(go_on) == []


def guest(room: Studio, name: str) -> None:
    """Give a name, and listen to the headphones."""
    wait_until(lambda: room.all("input"), "the name")
    room.one("input").send_keys(name, Keys.ENTER)
    for _ in range(3):
        wait_until(lambda: room.texts("h1") == ["Your headphones"], "the headphones")
        room.button("Play").click()
        room.all(".answers .answer")[0].click()
    seen(room, "X")


def test_two_guests_take_a_shared_test_and_go_on_after_a_crash_of_the_server(tmp_path) -> None:
    home = tmp_path / "home"
    with chromium() as one, chromium() as two:
        with running_server(home=home, asks_for_token=True) as server:
            test = made(home, tmp_path, n_trials=4)
            guests = [Studio(browser, server.url) for browser in (one, two)]
            for person, name in zip(guests, ("Ana", "Bo"), strict=True):
                open_link(person, test)
                guest(person, name)
                assert "get used to it" in status(person)
                press(person, Keys.ARROW_LEFT)
                wait_until(lambda person=person: "Trial 1 of 4" in status(person), "the first trial")
            press(guests[0], Keys.ARROW_LEFT)
            wait_until(lambda: "Trial 2 of 4" in status(guests[0]), "the second trial")
            server.kill()
            press(guests[0], Keys.ARROW_LEFT)
            wait_until(lambda: guests[0].one(".lost").is_displayed(), "the lost connection")
        with running_server(home=home, port=server.port, asks_for_token=True):
            wait_until(lambda: "Trial 3 of 4" in status(guests[0]), "the third trial", 30)
            assert not guests[0].one(".lost").is_displayed()
            two.refresh()
            guests[1].button("Go on").click()
            wait_until(lambda: "Trial 1 of 4" in status(guests[1]), "where Bo was")
            for person, left in zip(guests, (2, 4), strict=True):
                for _ in range(left):
                    before = status(person)
                    press(person, Keys.ARROW_RIGHT)
                    wait_until(lambda p=person, b=before: status(p) != b, "what follows")
                seen(person, "Done. Thank you!")
                assert not person.all("a"), "a guest gets no link into the studio"
            tests = BlindTests(ArtifactStore(home), BlindTestTable(home))
            assert [(one.name, len(one.answers)) for one in tests.listeners(test)] == [("Ana", 5), ("Bo", 5)]


def test_the_host_sees_each_answer_as_it_comes_and_then_the_pooled_finding(room: Studio, server, tmp_path) -> None:
    recording, results = keep_noise(ArtifactStore(server.home), 2)
    test = made(server.home, tmp_path, recording=recording.key, n_trials=4, guided=False)
    people = [Guest(room.url, test.id, test.key) for _ in range(2)]
    room.browser.get(f"{room.url}/compare?items={results[0].key},{results[1].key}")
    wait_until(lambda: room.texts(".test-card"), "the test")
    for person, name in zip(people, ("Ana", "Bo"), strict=True):
        person.join(name)
    for person, name in zip(people, ("Ana", "Bo"), strict=True):
        prepared, _ = person.trial()
        person.answer(prepared["index"], "A")
        wait_until(lambda name=name: f"{name}: 1 of 4" in room.texts(".test-card")[0], "the answer")
    assert "right" not in room.texts(".test-card")[0], "no number before a set is complete"
    n_right = 0
    tests = BlindTests(ArtifactStore(server.home), BlindTestTable(server.home))
    for person in people:
        person.take(lambda prepared, sounds: "A")
        listener = tests.listener(test.id, person.token)[1]
        n_right += sum(trial.x == trial.a for trial in listener.plan)
    pooled = re.compile(rf"\b{n_right} (of 8 )?right")
    wait_until(lambda: pooled.search(" ".join(room.texts(".test-card p")[1:2])), "the sum of both")
    wait_until(lambda: "Pooled over 2 complete sets" in "".join(room.texts(".test-card")), "the pooled finding")


def test_an_invitation_has_a_link_and_its_picture_for_phones(room: Studio, server) -> None:
    _, results = keep_noise(ArtifactStore(server.home), 2)
    room.browser.get(f"{room.url}/compare?items={results[0].key},{results[1].key}")
    wait_until(lambda: room.texts(".sides label"), "the sides")
    room.button("Invite others…").click()
    picture = wait_until(lambda: next(iter(room.all("img.qr")), None), "the picture")
    assert picture.get_attribute("src").startswith("data:image/svg")
    address = room.one('input[aria-label="Link"]').get_attribute("value")
    assert "/listen/" in address and "#key=" in address
    assert faults(room) == []
    room.button("Done").click()
    wait_until(lambda: not room.all("img.qr"), "the dialog to close")
    room.button("Link").click()
    wait_until(lambda: room.all("img.qr"), "the dialog again")
    room.browser.get("about:blank")
    room.browser.get(address)
    wait_until(lambda: room.all("input"), "the name")


@pytest.mark.parametrize("look", ["desktop", "phone"])
@pytest.mark.parametrize("kind", ["abx", "preference"])
def test_every_screen_of_a_guest_is_free_of_serious_faults(room: Studio, server, tmp_path, look, kind) -> None:
    test = made(server.home, tmp_path, kind=Kind(kind), n_trials=1)
    resize(room.browser, PHONE if look == "phone" else DESKTOP)
    try:
        open_link(room, test)
        wait_until(lambda: room.all("input"), "the name")
        assert faults(room) == []
        room.one("input").send_keys("Ana", Keys.ENTER)
        wait_until(lambda: room.texts("h1") == ["Your headphones"], "the headphones")
        assert faults(room) == []
        for _ in range(3):
            room.all(".answers .answer")[0].click()
        seen(room, "?")
        wait_until(lambda: room.all(".sound"), "the trial")
        assert faults(room) == []
        assert room.js("return document.documentElement.scrollWidth <= window.innerWidth")
        for _ in range(2):
            before = status(room)
            room.all(".answers .answer")[0].click()
            wait_until(lambda before=before: status(room) != before, "what follows")
        seen(room, "Done")
        assert faults(room) == []
    finally:
        resize(room.browser, DESKTOP)


SWITCHING = """
const [address, wavs, done] = arguments;
const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer;
import(address).then(async ({ TrialPlayer }) => {
  const render = async (names, times) => {
    const player = new TrialPlayer();
    player.context = new OfflineAudioContext(2, 48000, 48000);
    await player.load(new Map(names.map((name) => [name, bytes(wavs[name])])));
    player.context.suspend(0).then(() => player.hear(names[0])); // which resumes it
    times.forEach((time, index) =>
      player.context.suspend(time).then(() => player.hear(names[(index + 1) % names.length])));
    const buffer = await player.context.startRendering();
    return [...buffer.getChannelData(0)];
  };
  const times = Array.from({ length: 12 }, (_, index) => Math.round((0.2 + 0.05 * index) * 375) / 375);
  const still = await render(["A"], []);
  const same = await render(["A", "B"], times);
  done({ still, same, other: await render(["A", "C"], times) });
}).catch((error) => done({ error: String(error) }));
"""


def test_switching_between_equal_sounds_is_not_heard_and_between_others_there_is_no_step(
    room, server, tmp_path
) -> None:
    t = np.arange(48_000) / 48_000
    a, c = 0.5 * np.sin(2 * np.pi * 220 * t), 0.5 * np.cos(2 * np.pi * 331 * t)
    rng = np.random.default_rng(0)
    sounds = {"A": a, "B": a, "C": c}
    wavs = {
        name: base64.b64encode(dithered_wav(np.stack([one, one]), 48_000, rng)).decode() for name, one in sounds.items()
    }
    open_link(room, made(server.home, tmp_path))
    script = room.one("script[type=module]").get_attribute("src")
    found = room.browser.execute_async_script(SWITCHING, script.replace("listen.js", "trial_player.js"), wavs)
    assert "error" not in found, found
    still, same, other = (np.array(found[name]) for name in ("still", "same", "other"))
    assert np.abs(still).max() > 0.4
    left_db = 20 * np.log10(np.sqrt(np.mean((same - still) ** 2)) / np.sqrt(np.mean(still**2)))
    assert left_db < -90
    own = max(np.abs(np.diff(a)).max(), np.abs(np.diff(c)).max())
    fade = 1.0 / (0.012 * 48_000)  # what the gains move in a sample, times the largest distance of the two
    assert np.abs(np.diff(other))[3_000:].max() <= own + fade * 1.01
    assert np.abs(other - still).max() > 0.5, "it was switched"


HEADPHONES = """
const [address, done] = arguments;
import(address).then(async ({ questions }) => {
  const found = [];
  for (const { name, answers, right, play } of questions()) {
    const context = new OfflineAudioContext(2, 5 * 48000, 48000);
    play(context); // it resolves when the tones are over, which here is never
    const buffer = await context.startRendering();
    found.push({ name, answers, right, channels: [0, 1].map((one) => [...buffer.getChannelData(one)]) });
  }
  done(found);
}).catch((error) => done({ error: String(error) }));
"""


def test_the_tones_of_the_headphones_check_are_what_its_right_answers_say(room: Studio, server, tmp_path) -> None:
    open_link(room, made(server.home, tmp_path))
    script = room.one("script[type=module]").get_attribute("src")
    found = room.browser.execute_async_script(HEADPHONES, script.replace("listen.js", "checks.js"))
    assert "error" not in found, found
    asked = {one["name"]: one for one in found}
    for ear, sounding in (("left", 0), ("right", 1)):
        tone = np.array(asked[ear]["channels"])
        assert asked[ear]["right"] == ear.capitalize()
        assert np.abs(tone[sounding]).max() == pytest.approx(0.1, abs=0.005), "a quiet tone"
        assert np.abs(tone[1 - sounding]).max() == 0
    left, right = np.array(asked["headphones"]["channels"])
    starts = [round((0.05 + n * 1.4) * 48_000) for n in range(3)]
    spans = [slice(start + 4_800, start + 43_200) for start in starts]
    levels = [np.abs(left[span]).max() for span in spans]
    quietest = levels.index(min(levels))
    assert sorted(levels) == pytest.approx([0.05, 0.1, 0.1], abs=0.005)
    assert asked["headphones"]["right"] == ["First", "Second", "Third"][quietest]
    in_the_air = [np.abs(left[span] + right[span]).max() for span in spans]
    cancelled = in_the_air.index(min(in_the_air))
    assert in_the_air[cancelled] < 1e-6, "between loudspeakers it is gone, so that it seems the quietest there"
    assert cancelled != quietest


LOOK = """
const texts = (storage) => JSON.stringify({ ...storage });
const loaded = performance.getEntriesByType("resource").filter((one) => one.name.includes("/sound/")).slice(-3);
return { page: document.documentElement.outerHTML, kept: texts(localStorage) + texts(sessionStorage) + document.cookie,
         loaded: loaded.map(({ name, encodedBodySize, decodedBodySize, transferSize, duration }) =>
           ({ name, sizes: [encodedBodySize, decodedBodySize, transferSize], duration })) };
"""


def test_a_script_in_the_page_guesses_no_better_than_chance(browser: Chrome, tmp_path) -> None:
    """It sees the document, what the browser keeps, and each sound's address, size and time, in the order A, B, X."""
    home = tmp_path / "home"
    with running_server(module="tests.support.listening_app", home=home) as server:
        tests = BlindTests(ArtifactStore(home), BlindTestTable(home))
        test = made(home, tmp_path, n_trials=24, guided=False, tests=tests)
        room = Studio(browser, server.url)
        open_link(room, test)
        wait_until(lambda: room.texts(".answer"), "the start")
        room.one(".answer").click()
        right, pages = 0, set()
        for n in range(24):
            wait_until(lambda n=n: f"Trial {n + 1} of 24" in status(room), "the trial")
            found = room.js(LOOK)
            trial = tests.listeners(test)[0].plan[n]
            truth = "A" if trial.x == trial.a else "B"
            a, b, x = found["loaded"]
            assert a["sizes"] == b["sizes"] == x["sizes"]
            near = {name: [one["name"] < x["name"], *one["sizes"]] for name, one in (("A", a), ("B", b))}
            guess = "A" if near["A"] >= near["B"] else "B"
            right += guess == truth
            pages.add(re.sub(r'Trial \d+ of|\d+ of 24 answered|class="on"|class=""', "", found["page"]))
            assert not {"side 0", "side 1", "plan"} & set(found["kept"].split('"'))
            press(room, Keys.ARROW_LEFT if truth == "A" else Keys.ARROW_RIGHT)
        seen(room, "Done")
        assert "24 of 24 right" in status(room), "whoever is given the key wins"
    assert 5 < right < 19, "two-sided p > 0.01 of 24 guesses"
    assert len(pages) <= 2, "the document is the same whatever X is: before the sound plays, and then"
