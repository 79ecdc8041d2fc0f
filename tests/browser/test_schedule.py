"""The order and the moments of playback, asked of the player's own modules with a clock that the test sets."""

from __future__ import annotations

from typing import Any

import pytest
from selenium.webdriver import Chrome

pytestmark = pytest.mark.browser
RATE = 48_000
SAFE = 256
# A player without sound: voices write down what they are told to schedule.
MODULES = """
const [code, ...given] = arguments, done = given.pop();
const map = JSON.parse(document.querySelector("script[type=importmap]").textContent);
const player = new URL(map.imports["audio-playground-player"], location.href);
Promise.all(["schedule.js", "walk.js"].map((name) => import(new URL(name, player))))
  .then(([{ Schedule }, { stretch }]) => {
    const rate = 48_000;
    const silent = (nSamples) => ({
      ready: nSamples, audible: 1, track: { n_samples: nSamples, sample_rate: rate }, told: [], faded: [],
      pcm: { size: 10 * rate, get: () => ({}), want: () => {} },
      framesOf: (part) => Math.min(part.frames, nSamples - part.start),
      schedule(context, bus, window, part, piece) {
        this.told.push({ ...piece, start: part.start, at: part.whenFrame });
      },
      fadeOut(frame) { this.faded.push(frame); },
    });
    const quiet = (total) => ({
      total, rate, speed: 1, loop: { on: false }, context: null, bus: null, voices: new Map([["one", silent(total)]]),
    });
    const names = ["Schedule", "stretch", "silent", "quiet", "given"];
    return new Function(...names, code)(Schedule, stretch, silent, quiet, given);
  })
  .then((value) => done({ value }), (error) => done({ error: String(error) }));
"""


@pytest.fixture(scope="module")
def page(browser: Chrome, player_app: str) -> Chrome:
    browser.get(player_app)
    return browser


def asked(page: Chrome, code: str, *given: Any) -> Any:
    """What `code` returns: the body of a function of Schedule, stretch, silent(samples), quiet(samples) and given."""
    answer = page.execute_async_script(MODULES, code, *given)
    assert "error" not in answer, answer
    return answer["value"]


def order(page: Chrome, cursor: int, course: dict[str, Any], n_parts: int) -> list[tuple[int, int]]:
    """(first sample, past the last) of the stretches that follow each other from `cursor`."""
    code = """
      let [cursor, course, left] = given; const parts = [];
      for (; left > 0; left--) {
        const part = stretch(cursor, course);
        if (!part) break;
        parts.push([part.start, part.start + part.count]);
        cursor = part.next;
      }
      return parts;"""
    return [tuple(part) for part in asked(page, code, cursor, course, n_parts)]


@pytest.mark.parametrize(
    "cursor, parts",
    [
        (0, [(0, 100), (100, 200), (200, 250), (150, 200), (200, 250), (150, 200)]),  # into the loop, and round it
        (249, [(249, 250), (150, 200)]),
        (250, [(150, 200), (200, 250), (150, 200)]),  # at its end: round it
        (251, [(251, 300), (300, 330), (150, 200)]),  # from behind it, the rest plays first
        (330, [(150, 200), (200, 250)]),
    ],
)
def test_a_loop_is_played_round_and_what_lies_behind_it_is_played_first(
    page: Chrome, cursor: int, parts: list[tuple[int, int]]
) -> None:
    course = {"total": 330, "windowSize": 100, "loop": {"on": True, "start": 150, "end": 250}}
    assert order(page, cursor, course, len(parts)) == parts


def test_without_a_loop_the_recording_ends(page: Chrome) -> None:
    course = {"total": 330, "windowSize": 100, "loop": {"on": False, "start": 150, "end": 250}}
    assert order(page, 140, course, 9) == [(140, 200), (200, 300), (300, 330)]


STALLED = """
  const player = quiet(60 * 48_000), schedule = new Schedule(player), voice = player.voices.get("one");
  schedule.advance(0);
  const planned = schedule.nextFrame, before = voice.told.length;
  schedule.advance(planned - given[0]);
  return { planned, first: voice.told[before] };"""


def test_a_page_that_was_held_up_goes_on_as_soon_as_it_can_and_fades_in(page: Chrome) -> None:
    """A tab that slept, a clock that has passed the next start: a start in the past would play out of sync."""
    for frames_left in (SAFE - 1, 0, -RATE):
        found = asked(page, STALLED, frames_left)
        now = found["planned"] - frames_left
        assert found["first"]["at"] == now + RATE // 20, "50 ms from now"
        assert found["first"]["fadeIn"] is True


def test_a_page_that_comes_in_time_goes_on_where_it_had_planned_without_a_fade(page: Chrome) -> None:
    found = asked(page, STALLED, SAFE)
    assert found["first"]["at"] == found["planned"]
    assert found["first"]["fadeIn"] is False


def test_a_track_that_joins_in_the_middle_fades_in_and_one_that_has_grown_in_time_does_not(page: Chrome) -> None:
    joined, grown = asked(
        page,
        """
        const player = quiet(2 * 48_000), schedule = new Schedule(player), grows = silent(2 * 48_000);
        let ready = 24_000 + 10_000;
        grows.framesOf = (part) => Math.min(part.frames, Math.max(0, ready - part.start));
        player.voices.set("grows", grows);
        schedule.advance(0);
        player.voices.set("late", silent(2 * 48_000));
        ready = 2 * 48_000;
        schedule.advance(24_000);
        const within = grows.told.find((piece) => piece.from > 0);
        return [player.voices.get("late").told[0], within];""",
    )
    assert joined["at"] + joined["from"] == RATE // 2 + RATE // 20, "50 ms from now"
    assert joined["fadeIn"] is True
    assert grown["start"] + grown["from"] == 34_000
    assert grown["fadeIn"] is False, "it goes on where it ended"


HALF_MADE = """
  const player = quiet(20 * 48_000), schedule = new Schedule(player), stem = player.voices.get("one");
  const mixture = silent(20 * 48_000);
  mixture.audible = 0;
  player.voices.set("mixture", mixture);
  player.standIn = given[0] ? silent(20 * 48_000) : null;
  stem.ready = 48_000;
  stem.framesOf = (part) => Math.min(part.frames, Math.max(0, stem.ready - part.start));
  const heard = ({ told }) => told.map(({ start, at, from, to, fadeIn }) => [start, at + from, to - from, fadeIn]);
"""


def test_where_nothing_is_computed_yet_the_recording_is_heard_and_the_track_again_as_soon_as_it_is(
    page: Chrome,
) -> None:
    early, late = RATE // 2, int(0.9 * RATE)
    found = asked(
        page,
        HALF_MADE
        + f"""
        const outcomes = [schedule.advance(0), schedule.advance({early})];
        const before = player.standIn.told.length, wasHeard = schedule.standsInAt({RATE + RATE // 20});
        outcomes.push(schedule.advance({late}));
        stem.ready = 20 * 48_000;
        schedule.advance({2 * RATE});
        const stands = [{RATE}, {RATE + RATE // 2}, {4 * RATE}].map((frame) => schedule.standsInAt(frame));
        return {{ outcomes, before, wasHeard, stands, stem: heard(stem), standIn: heard(player.standIn) }};""",
        True,
    )
    lead = RATE // 20  # the first start is 50 ms from now
    assert found["before"] == 2, "half a second at a time, at most 1.2 s ahead"
    assert found["standIn"][0] == [RATE, RATE + lead, RATE // 2, True], "exactly where the track ends, and it fades in"
    assert [fades for *_, fades in found["standIn"][1:]] == [False] * (len(found["standIn"]) - 1)
    end = found["standIn"][-1][0] + found["standIn"][-1][2]
    following = found["stem"][1]
    assert following[0] == end and following[1] == end + lead, "the track goes on where the recording ends"
    assert following[3] is True
    assert found["stands"] == [False, True, False]


def test_a_track_that_comes_in_time_is_not_replaced(page: Chrome) -> None:
    found = asked(
        page,
        HALF_MADE
        + """
        stem.ready = 2 * 48_000;
        schedule.advance(0);
        stem.ready = 20 * 48_000;
        schedule.advance(9_600);
        return { stem: heard(stem), standIn: heard(player.standIn) };""",
        True,
    )
    assert found["stem"][1][0] == 2 * RATE and found["stem"][1][3] is False
    assert found["standIn"] == []


def test_without_a_recording_on_the_page_playback_waits(page: Chrome) -> None:
    outcome = asked(page, HALF_MADE + "schedule.advance(0); return schedule.advance(10 * 48_000);", False)
    assert outcome == "waiting"
