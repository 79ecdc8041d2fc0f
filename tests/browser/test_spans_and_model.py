"""Spans over the waveform: the times they snap to, and what the server, the player and the strip make of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By

from separation.chunking.anchors import first_frame, frame_spans
from separation.models.sam_audio.anchors import anchor_rows
from separation.request import Anchor
from tests.support.browser import wait_until
from tests.support.player_app import SAMPLE_RATE
from tests.support.spans_page import DURATION_S, FRAME_S, SpansPage, spans_page

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Chrome, player_app: str) -> Iterator[SpansPage]:
    with spans_page(browser, player_app) as page:
        yield page


def grid(page: SpansPage, body: str, *values: object) -> Any:
    """What `body` returns, with `lists` (the module) and `frames` (its grid for the recording)."""
    script = f"""
        const done = arguments[arguments.length - 1], values = [...arguments];
        import("audio-playground-spans/span_list.js").then((lists) => {{
            const frames = new lists.Grid({DURATION_S}, {FRAME_S});
            done((() => {{ {body} }})());
        }});
    """
    return page.driver.execute_async_script(script, *values)


# ---- arithmetic


def test_every_snapped_time_is_taken_by_the_model_for_the_frame_it_shows(page: SpansPage) -> None:
    page.open()
    times = grid(page, "return Array.from({length: frames.count}, (_, k) => frames.time(k))")
    assert [first_frame(time_s) for time_s in times] == list(range(526))  # 525.64 frames
    assert sum(first_frame(round(0.04 * k, 2)) != k for k in range(526)) > 10  # without care some would be one off
    texts = grid(page, "return [0, 7, 30, 1562, 92500].map((k) => new lists.Grid(4000, 0.04).text(k))")
    assert texts == ["0.00", "0.28", "1.20", "1:02.48", "1:01:40.00"]


def test_the_editor_marks_the_frames_the_model_would_mark_whatever_list_it_is_given(page: SpansPage) -> None:
    page.open()
    rng = np.random.default_rng(5)

    def span() -> dict[str, Any]:
        start_s = float(rng.choice([rng.uniform(0, 25), 0.04 * rng.integers(0, 600)]))
        stop_s = start_s + float(rng.choice([rng.exponential(3), 0.04 * rng.integers(0, 50)]))
        return {"prompt": "dog", "sign": str(rng.choice(["+", "-"])), "start_s": start_s, "stop_s": stop_s}

    given = [[span() for _ in range(rng.integers(0, 9))] for _ in range(400)]
    shown = grid(page, "return values[0].map((list) => lists.written(lists.read(list, frames).spans, frames))", given)

    def rows(spans: list[dict[str, Any]]) -> list[int]:
        anchors = [Anchor(sign=s["sign"], start_s=s["start_s"], stop_s=s["stop_s"]) for s in spans]
        found: list[int] = anchor_rows(frame_spans(anchors, 0, 526), 526).tolist()
        return found

    for before, after in zip(given, shown, strict=True):
        assert rows(after) == rows(before)
        assert [span["start_s"] for span in after] == sorted(span["start_s"] for span in after)
        assert all(0 <= span["start_s"] < span["stop_s"] <= DURATION_S for span in after)
    again = grid(page, "return values[0].map((list) => lists.written(lists.read(list, frames).spans, frames))", shown)
    assert again == shown


def test_a_change_names_no_span_that_it_leaves_alone(page: SpansPage) -> None:
    page.open()
    body = """
        const kept = [["cat", "-", 0.015, 0.5], ["dog", "+", 0.4, 0.8], ["dog", "+", 8, 9]].map(
            ([prompt, sign, start_s, stop_s]) => ({prompt, sign, start_s, stop_s}));
        const list = lists.read(kept, frames).spans;
        const next = lists.replaced(list, null, {prompt: "dog", sign: "-", a: 100, b: 125});
        const change = lists.difference(kept, list, next, frames);
        return [change, lists.changed(kept, change).map((span) => span.prompt + span.start_s)];
    """
    change, after = grid(page, body)
    assert change == {"removed": [], "added": [{"prompt": "dog", "sign": "-", "start_s": 4, "stop_s": 5}]}
    assert after == ["cat0.015", "dog0.4", "dog4", "dog8"]


def test_times_are_read_as_people_write_them(page: SpansPage) -> None:
    page.open()
    texts = ["1.2", " 1:02.5 ", "1:00:02,5", ".5", "7.", "", "abc", "1:75", "1:60:00", "-1", "1.2.3"]
    times = grid(page, "return values[0].map(lists.parseTime)", texts)
    assert times == [1.2, 62.5, 3602.5, 0.5, 7, None, None, None, None, None, None]


def test_a_hundred_and_fifty_steps_can_be_undone_and_done_again(page: SpansPage) -> None:
    page.open()
    body = """
        const history = new lists.History(), states = [[]];
        for (let k = 0; k < 150; k++) {
            const a = (k * 37) % 500;
            const next = lists.replaced(states[k], null, {prompt: "dog", sign: k % 3 ? "+" : "-", a, b: a + 9});
            history.push(states[k], next);
            states.push(next);
        }
        const flat = (list) => JSON.stringify(list.map(({sign, a, b}) => [sign, a, b]));
        let list = states.at(-1), back = 0, forth = 0;
        for (let k = 149; k >= 0; k--) back += flat(list = history.undo(list)) === flat(states[k]);
        const end = history.undo(list);
        for (let k = 1; k <= 150; k++) forth += flat(list = history.redo(list)) === flat(states[k]);
        return [back, end, forth];
    """
    assert grid(page, body) == [150, None, 150]


# ---- the server, the player, the strip


def test_what_comes_from_elsewhere_does_not_break_a_gesture(page: SpansPage) -> None:
    page.open("+4-8", elsewhere="+1-2,-15-16")
    page.drag(6, 8, 10, drop=False)
    wait_until(page.label_under_the_hand, "the gesture")
    page.press("elsewhere")
    wait_until(lambda: len(page.drawn()) == 3, "what came from elsewhere")
    assert page.heard()["changes"] == 0
    assert page.label_under_the_hand()
    page.release()
    assert page.after(1) == ["+ 1 2", "+ 8 12", "- 15 16"]


def test_a_server_that_lags_behind_takes_nothing_back(page: SpansPage) -> None:
    page.open("+4-8")
    page.tool("+ Here")
    page.press("lag")  # the server takes its time over every change, and then sends its state
    page.js("""
        window.counts = [];
        const count = () => window.counts.push(document.querySelectorAll('.spans [role=slider]').length);
        new MutationObserver(count).observe(document.querySelector(".spans"), {childList: true, subtree: true});
    """)
    page.drag(6, 7)
    page.drag(12, 14)
    page.drag(16, 18)
    wait_until(lambda: page.heard()["changes"] == 3, "all changes")
    page.tool("Select")  # an answer of the server, after all those
    counts = page.js("return window.counts")
    assert counts == sorted(counts)  # none was away for a moment
    assert page.drawn() == ["+ target, 5.00 to 9.00 s", "+ target, 12.00 to 14.00 s", "+ target, 16.00 to 18.00 s"]
    assert page.after(3) == ["+ 5 9", "+ 12 14", "+ 16 18"]


def test_spans_outside_the_recording_are_treated_as_the_model_does_and_said(page: SpansPage) -> None:
    page.open("+1.5-3,+20-50,-30-40,+7.01-7.03")
    assert page.drawn() == ["+ target, 1.52 to 3.00 s", "+ target, 20.00 to 21.03 s"]
    assert page.words() == "2 of the spans mark no frame of this recording: the model leaves them out."
    page.span(1).click()
    wait_until(lambda: "cut at the end of the recording" in page.words(), "the explanation")


def test_without_frames_spans_do_not_snap(page: SpansPage) -> None:
    page.open("+1.234-2.345", frame_s=0)
    assert page.drawn() == ["+ target, 1.234 to 2.345 s"]
    page.span().click()
    wait_until(lambda: page.words() == "+ 1.234 – 2.345 s", "words without frames")


def test_a_span_is_looped_while_it_is_adjusted(page: SpansPage) -> None:
    loop = lambda: page.js("return {...window.audioPlayground.player.loop}")  # noqa: E731
    page.open("+4-8,+12-14")
    page.span().click()
    page.driver.find_element(By.CSS_SELECTOR, ".span-bar .toggle").click()
    assert loop() == {"on": True, "start": 4 * SAMPLE_RATE, "end": 8 * SAMPLE_RATE}
    assert page.position_s() == 4
    page.drag(8, 9, 9.52)
    wait_until(lambda: loop() == {"on": True, "start": 4 * SAMPLE_RATE, "end": 9.52 * SAMPLE_RATE}, "the edge")
    page.span().send_keys(Keys.DELETE)
    wait_until(lambda: loop()["start"] == 12 * SAMPLE_RATE, "the next span")
    page.span().send_keys(Keys.DELETE)
    wait_until(lambda: not loop()["on"], "no loop without a span")


def test_the_strip_says_which_spans_reach_which_chunk(page: SpansPage) -> None:
    page.open("+1-2,-8.9-9")
    strip = page.driver.find_element(By.CSS_SELECTOR, ".wave-strip")
    # Chunks of 3 s share 0.4 s: the fourth starts at 7.8 s.
    assert strip.get_attribute("aria-label") == (
        "0 of 8 chunks done; + target reaches chunk 1; − target reaches chunk 4"
    )
    page.span().click()
    page.keys(Keys.ARROW_UP * 20)  # to 2.8 s, into what two chunks share
    wait_until(lambda: "+ target reaches chunks 1 to 2" in strip.get_attribute("aria-label"), "the second chunk")
    page.tool("residual")
    wait_until(lambda: strip.get_attribute("aria-label") == "0 of 8 chunks done", "the other sound")
