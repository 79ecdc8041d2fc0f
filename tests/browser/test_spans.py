"""Spans over the waveform: with mouse, fingers and keyboard in a real browser, read back from the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from separation.chunking.anchors import first_frame, frame_spans
from separation.models.sam_audio.anchors import anchor_rows
from separation.request import Anchor
from tests.support.browser import DESKTOP, PHONE, console_errors, prefer, resize, sideways_px, wait_until
from tests.support.player_app import N_SAMPLES, SAMPLE_RATE
from tests.support.server import running_server

pytestmark = pytest.mark.browser
DURATION_S = N_SAMPLES / SAMPLE_RATE  # 21.0257
FRAME_S = 0.04


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running_server(module="tests.support.player_app") as server:
        yield server.url


class Page:
    """The page of one waveform with its spans, and what a person does there."""

    def __init__(self, driver: Chrome, address: str) -> None:
        self.driver, self.address = driver, address
        self.js = driver.execute_script

    def open(self, spans: str = "", *, elsewhere: str = "", size: tuple[int, int] = DESKTOP, **more: object) -> None:
        resize(self.driver, size)
        prefer(self.driver, "dark")
        query = "&".join(f"{name}={quote(str(value))}" for name, value in more.items())
        self.driver.get(f"{self.address}/spans?spans={quote(spans)}&elsewhere={quote(elsewhere)}&{query}")
        ready = """return window.did_handshake && !document.querySelector('.wave-note')
            && document.querySelector('.span-bar')"""
        wait_until(lambda: self.js(ready), "the waveform")
        console_errors(self.driver)

    # what is there

    def heard(self) -> dict[str, Any]:
        """What the server knows: {"changes", "spans"}."""
        found: dict[str, Any] = json.loads(self.js("return document.getElementById('heard').textContent"))
        return found

    def after(self, changes: int) -> list[str]:
        """The spans after exactly so many changes, as text: "+ 1.2 2.0"."""
        wait_until(lambda: self.heard()["changes"] >= changes, f"change {changes}")
        assert self.heard()["changes"] == changes
        return [f"{span['sign']} {span['start_s']:g} {span['stop_s']:g}" for span in self.heard()["spans"]]

    def drawn(self) -> list[str]:
        """The names of the spans that can be changed, as a screen reader says them."""
        names: list[str] = self.js(
            "return [...document.querySelectorAll('.spans [role=slider]')].map((span) => span.ariaLabel)"
        )
        return names

    def span(self, index: int = 0) -> WebElement:
        return self.driver.find_elements(By.CSS_SELECTOR, ".spans [role=slider]")[index]

    def words(self) -> str:
        return self.driver.find_element(By.CSS_SELECTOR, ".span-bar [role=status]").text

    def label_under_the_hand(self) -> str:
        found = self.driver.find_elements(By.CSS_SELECTOR, ".span-label")
        return found[0].text if found else ""

    def position_s(self) -> float:
        samples: int = self.js("return window.audioPlayground.player.position")
        return samples / SAMPLE_RATE

    def tool(self, label: str) -> None:
        self.js(
            "[...document.querySelectorAll('.seg button')].find((b) => b.innerText.trim() === arguments[0]).click()",
            label,
        )
        chosen = "return [...document.querySelectorAll('.seg .on')].map((b) => b.innerText.trim())"
        wait_until(lambda: label in self.js(chosen), label)
        painting = "return !!document.querySelector('.spans.painting')"
        if label in ("Select", "+ Here", "− Not here"):
            wait_until(lambda: self.js(painting) == (label != "Select"), "the tool in hand")

    def press(self, name: str) -> None:
        self.js("document.getElementById(arguments[0]).click()", name)

    def button(self, words: str) -> None:
        self.driver.find_element(By.XPATH, f"//button[normalize-space()='{words}']").click()

    # gestures

    def xy(self, time_s: float) -> tuple[int, int]:
        """Where a time lies on the screen, in the middle of the waveform."""
        box = self.js("const {left, top, width, height} = document.querySelector('.spans').getBoundingClientRect();"
                      "return {left, top, width, height}")  # fmt: skip
        return round(box["left"] + time_s / DURATION_S * box["width"]), round(box["top"] + box["height"] * 0.7)

    def drag(self, *times_s: float, drop: bool = True) -> None:
        """Press the mouse at the first time and move it over the others."""
        hand = ActionChains(self.driver, duration=0)
        mouse = hand.w3c_actions.pointer_action
        mouse.move_to_location(*self.xy(times_s[0]))
        mouse.pointer_down()
        for time_s in times_s[1:]:
            mouse.move_to_location(*self.xy(time_s))
        if drop:
            mouse.pointer_up()
        hand.perform()

    def release(self) -> None:
        hand = ActionChains(self.driver, duration=0)
        hand.w3c_actions.pointer_action.pointer_up()
        hand.perform()

    def keys(self, *keys: str) -> None:
        """To whatever has the focus."""
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()

    def chord(self, held: str, key: str, times: int = 1, also: str = "") -> None:
        hand = ActionChains(self.driver, duration=0).key_down(held)
        if also:
            hand.key_down(also)
        for _ in range(times):
            hand.send_keys(key)
        if also:
            hand.key_up(also)
        hand.key_up(held).perform()

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        """One event of fingers: "touchStart", "touchMove" with every finger that lies there, "touchEnd" with none."""
        fingers = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(points)]
        self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    def finger(self, *path: tuple[float, float]) -> None:
        self.touch("touchStart", path[0])
        for point in path[1:]:
            self.touch("touchMove", point)
        self.touch("touchEnd")


@pytest.fixture
def page(browser: Chrome, address: str) -> Iterator[Page]:
    yield Page(browser, address)
    browser.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseReleased", "x": 0, "y": 0, "button": "left"})
    assert console_errors(browser) == []


def grid(page: Page, body: str, *values: object) -> Any:
    """What `body` returns, with `lists` (the module) and `frames` (its grid for the recording)."""
    script = f"""
        const done = arguments[arguments.length - 1], values = [...arguments];
        import("audio-playground-player/spanlist.js").then((lists) => {{
            const frames = new lists.Grid({DURATION_S}, {FRAME_S});
            done((() => {{ {body} }})());
        }});
    """
    return page.driver.execute_async_script(script, *values)


# ---- arithmetic


def test_every_snapped_time_is_taken_by_the_model_for_the_frame_it_shows(page: Page) -> None:
    page.open()
    times = grid(page, "return Array.from({length: frames.count}, (_, k) => frames.time(k))")
    assert [first_frame(time_s) for time_s in times] == list(range(526))  # 525.64 frames
    assert sum(first_frame(round(0.04 * k, 2)) != k for k in range(526)) > 10  # without care some would be one off
    texts = grid(page, "return [0, 7, 30, 1562, 92500].map((k) => new lists.Grid(4000, 0.04).text(k))")
    assert texts == ["0.00", "0.28", "1.20", "1:02.48", "1:01:40.00"]


def test_the_editor_marks_the_frames_the_model_would_mark_whatever_list_it_is_given(page: Page) -> None:
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


def test_times_are_read_as_people_write_them(page: Page) -> None:
    page.open()
    texts = ["1.2", " 1:02.5 ", "1:00:02,5", ".5", "7.", "", "abc", "1:75", "1:60:00", "-1", "1.2.3"]
    times = grid(page, "return values[0].map(lists.parseTime)", texts)
    assert times == [1.2, 62.5, 3602.5, 0.5, 7, None, None, None, None, None, None]


def test_a_hundred_and_fifty_steps_can_be_undone_and_done_again(page: Page) -> None:
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


# ---- mouse


def test_dragging_with_a_painting_tool_makes_one_snapped_span_and_one_change(page: Page) -> None:
    page.open()
    page.tool("+ Here")
    page.drag(4, 4.6, 7.03, drop=False)
    wait_until(lambda: "snapped to 40 ms frames" in page.label_under_the_hand(), "the label")
    assert page.heard()["changes"] == 0
    page.release()
    assert page.after(1) == ["+ 4 7.04"]
    assert page.drawn() == ["+ target, 4.00 to 7.04 s"]
    page.tool("− Not here")
    page.drag(12, 10)  # backwards is as good
    assert page.after(2) == ["+ 4 7.04", "- 10 12"]
    page.drag(19, 19.4, 21.2)  # over the edge of the recording
    assert page.after(3)[-1] == f"- 19 {DURATION_S:g}"
    assert page.position_s() == 0  # painting does not seek


def test_spans_are_grabbed_by_their_edges_and_middle_with_any_tool(page: Page) -> None:
    page.open("+4-8,-12-14")
    page.drag(8, 9.01, 9.52)
    assert page.after(1) == ["+ 4 9.52", "- 12 14"]
    page.drag(4, 4.5, 5)
    assert page.after(2) == ["+ 5 9.52", "- 12 14"]
    page.drag(7, 6, 1)
    assert page.after(3) == ["+ 0 4.52", "- 12 14"]  # it stops at the beginning, as long as before
    page.tool("− Not here")
    page.drag(13, 16)
    assert page.after(4) == ["+ 0 4.52", "- 15 17"]
    page.drag(0.3, -0.2)
    assert page.after(5)[1].startswith("- 0 0.")  # inside the other sign the brush paints
    assert page.position_s() == 0


def test_a_span_of_one_frame_is_moved_by_its_sign(page: Page) -> None:
    page.open("+10-10.04")
    sign = page.driver.find_element(By.CSS_SELECTOR, ".span > b")
    width = page.js("return document.querySelector('.spans').clientWidth")
    ActionChains(page.driver, duration=0).drag_and_drop_by_offset(sign, round(width / DURATION_S), 0).perform()
    (span,) = page.after(1)
    assert span in ("+ 10.96 11", "+ 11 11.04", "+ 11.04 11.08")


def test_with_the_select_tool_free_waveform_seeks_and_a_click_chooses(page: Page) -> None:
    page.open("+4-8")
    page.drag(12, 15)
    wait_until(lambda: abs(page.position_s() - 15) < 0.05, "the seek")
    page.drag(6)
    wait_until(lambda: page.words().startswith("+ 4.00 – 8.00 s, snapped to 40 ms frames"), "the chosen span")
    assert page.heard()["changes"] == 0
    assert abs(page.position_s() - 15) < 0.05
    page.keys(Keys.DELETE)
    assert page.after(1) == []
    page.tool("+ Here")
    page.drag(9)  # a click with the brush makes no span of one frame: it seeks
    wait_until(lambda: abs(page.position_s() - 9) < 0.05, "the seek")
    assert page.heard()["changes"] == 1


def test_escape_breaks_a_gesture_off(page: Page) -> None:
    page.open("+4-8")
    page.drag(6, 8, 12, drop=False)
    wait_until(page.label_under_the_hand, "the gesture")
    page.keys(Keys.ESCAPE)
    page.drag(6, 13, drop=False)
    page.keys(Keys.ESCAPE)
    page.release()
    assert page.drawn() == ["+ target, 4.00 to 8.00 s"]
    page.drag(6, 7)
    assert page.after(1) == ["+ 5 9"]


def test_painting_over_the_other_sign_wins_and_the_span_beneath_says_so(page: Page) -> None:
    page.open("+6-7")
    page.tool("− Not here")
    page.drag(4, 5, 10)
    assert page.after(1) == ["- 4 10"]  # what is painted last counts
    page.tool("+ Here")
    page.drag(5, 5.5, 6)
    assert page.after(2) == ["- 4 10", "+ 5 6"]
    page.span(0).click()
    wait_until(lambda: "Where + 5.00 – 6.00 s lies over it, that one counts" in page.words(), "the explanation")


def test_spans_of_other_sounds_are_faint_and_not_in_the_way(page: Page) -> None:
    page.open("+4-8")
    page.tool("residual")
    wait_until(lambda: page.drawn() == [], "the other sound")
    assert page.js("return document.querySelectorAll('.span.faint').length") == 1
    page.tool("+ Here")
    page.drag(5, 7)
    assert page.after(1) == ["+ 4 8", "+ 5 7"]
    assert [span["prompt"] for span in page.heard()["spans"]] == ["target", "residual"]
    assert page.drawn() == ["+ residual, 5.00 to 7.00 s"]


# ---- keyboard


def test_everything_the_mouse_can_the_keyboard_can(page: Page) -> None:
    page.open()
    page.js("window.audioPlayground.player.seek(arguments[0])", 5 * SAMPLE_RATE)
    page.keys("y")
    assert page.after(1) == ["+ 5 6"]
    page.keys(Keys.ARROW_RIGHT * 3)
    assert page.after(2) == ["+ 5.12 6.12"]  # one change for the burst
    page.chord(Keys.SHIFT, Keys.ARROW_LEFT)
    assert page.after(3) == ["+ 4.72 5.72"]
    page.keys(Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_DOWN)
    assert page.after(4) == ["+ 4.72 5.76"]
    page.chord(Keys.ALT, Keys.ARROW_DOWN, 2)
    assert page.after(5) == ["+ 4.64 5.76"]
    page.chord(Keys.ALT, Keys.ARROW_UP, also=Keys.SHIFT)
    assert page.after(6) == ["+ 5.04 5.76"]
    page.keys("-")
    assert page.after(7) == ["- 5.04 5.76"]
    assert page.drawn() == ["− target, 5.04 to 5.76 s"]
    page.keys(Keys.ENTER)
    page.keys("1.2", Keys.TAB)
    assert page.after(8) == ["- 1.2 5.76"]
    page.keys("2.01", Keys.ENTER, Keys.ESCAPE)
    assert page.after(9) == ["- 1.2 2"]
    page.keys("n")
    assert page.after(10) == ["- 1.2 2", "- 5 6"]
    page.keys(Keys.DELETE)
    assert page.after(11) == ["- 1.2 2"]
    page.keys(Keys.BACKSPACE)  # the focus went to the one that is left
    assert page.after(12) == []
    focused = "return document.activeElement.className"
    wait_until(lambda: page.js(focused) == "wave-slider", "the waveform to have the keyboard again")
    assert abs(page.position_s() - 5) < 0.01


def test_letters_typed_into_a_field_mark_nothing(page: Page) -> None:
    page.open("+4-8")
    page.span().click()
    page.keys(Keys.ENTER)
    page.keys("ax", Keys.ENTER)
    wait_until(lambda: "is not a time" in page.words(), "the refusal")
    assert page.driver.switch_to.active_element.get_attribute("aria-invalid") == "true"
    page.keys(Keys.ESCAPE)
    page.keys(Keys.ENTER)
    page.chord(Keys.CONTROL, "a")
    page.keys("9", Keys.ENTER)
    wait_until(lambda: page.words() == "A span has to end after its start.", "the refusal")
    page.chord(Keys.CONTROL, "a")
    page.keys("1:00", Keys.ENTER)
    wait_until(lambda: "The recording ends at 21.03" in page.words(), "the refusal")
    assert page.heard()["changes"] == 0


def test_steps_are_undone_and_redone_and_those_of_others_stay(page: Page) -> None:
    page.open("+4-8", elsewhere="+5-9,+1-2")
    history = lambda: json.loads(page.js("return document.getElementById('history').textContent"))  # noqa: E731
    wait_until(lambda: history() == {"undo": False, "redo": False}, "nothing to undo")
    page.drag(6, 7)
    assert page.after(1) == ["+ 5 9"]
    page.tool("− Not here")
    page.drag(12, 14)
    assert page.after(2) == ["+ 5 9", "- 12 14"]
    page.chord(Keys.CONTROL, "z")
    assert page.after(3) == ["+ 5 9"]
    page.press("elsewhere")  # a second tab has painted meanwhile
    wait_until(lambda: len(page.drawn()) == 2, "what came from elsewhere")
    assert page.heard()["changes"] == 3  # what the server says is not said back
    page.button("Undo")
    assert page.after(4) == ["+ 1 2", "+ 4 8"]
    wait_until(lambda: history() == {"undo": False, "redo": True}, "nothing more to undo")
    page.chord(Keys.CONTROL, "z", also=Keys.SHIFT)
    assert page.after(5) == ["+ 1 2", "+ 5 9"]
    page.chord(Keys.CONTROL, "y")
    assert page.after(6) == ["+ 1 2", "+ 5 9", "- 12 14"]


def test_each_recording_keeps_its_own_steps(page: Page) -> None:
    page.open("+4-8")
    page.drag(6, 7)
    assert page.after(1) == ["+ 5 9"]
    page.press("other")
    wait_until(lambda: page.drawn() == [], "the other recording")
    page.button("Undo")
    page.press("back")
    wait_until(lambda: page.drawn() == ["+ target, 4.00 to 8.00 s"], "the first recording")
    assert page.heard()["changes"] == 1


def test_a_span_that_gets_the_focus_comes_into_view(page: Page) -> None:
    page.open("+4-5,+18-19")
    page.driver.find_element(By.CSS_SELECTOR, ".wave-slider").send_keys("+++")  # 2.6 s at the playhead
    page.keys(Keys.TAB, Keys.TAB)
    shown = "const {start, count} = window.audioPlayground.player.range; return [start, start + count]"
    wait_until(lambda: page.js(shown)[0] < 18 * SAMPLE_RATE < 19 * SAMPLE_RATE < page.js(shown)[1], "the second span")
    left, right = page.js(
        "const {left, right} = arguments[0].getBoundingClientRect(); return [left, right]", page.span(1)
    )
    stage = page.js(
        "const {left, right} = document.querySelector('.wave').getBoundingClientRect(); return [left, right]"
    )
    assert stage[0] < left < right < stage[1]
    page.keys(Keys.ARROW_RIGHT)
    assert page.after(1) == ["+ 4 5", "+ 18.04 19.04"]


# ---- fingers


def test_a_finger_paints_and_grabs_edges_that_are_wide_enough(page: Page) -> None:
    page.open("+4-8", size=PHONE)
    assert sideways_px(page.driver) == 0
    assert page.js("return Math.min(...[...document.querySelectorAll('.edge')].map((e) => e.offsetWidth))") >= 24
    x, y = page.xy(8)
    page.finger((x + 18, y), (x + 30, y), (x + 50, y))  # 18 px beside the edge
    wait_until(lambda: page.heard()["changes"] == 1, "the change")
    (span,) = page.heard()["spans"]
    assert (span["start_s"], span["stop_s"]) == (4, pytest.approx(8 + 32 / 368 * DURATION_S, abs=0.3))
    assert span["stop_s"] > 9.5
    page.tool("− Not here")
    page.finger(page.xy(14), page.xy(15), page.xy(17))
    assert page.after(2)[1].startswith("- ")
    small = """return [...document.querySelectorAll('.span-bar button, .span-bar input')]
        .map((el) => el.getBoundingClientRect()).filter((box) => box.height < 43.5 || box.width < 43.5).length"""
    page.finger(page.xy(15.5))
    wait_until(lambda: page.words().startswith("− "), "the chosen span")
    assert page.js(small) == 0
    assert sideways_px(page.driver) == 0


def test_two_fingers_zoom_and_neither_paint_nor_seek(page: Page) -> None:
    page.open("+4-8", size=PHONE)
    page.tool("+ Here")
    (x, y), (far, _) = page.xy(10), page.xy(13)
    page.touch("touchStart", (x, y))
    page.touch("touchMove", (x - 12, y))  # the first has begun to paint
    wait_until(page.label_under_the_hand, "the gesture")
    page.touch("touchStart", (x - 12, y), (far, y))
    page.touch("touchMove", (x - 60, y), (far + 60, y))
    page.touch("touchEnd", (x - 60, y))
    page.touch("touchMove", (x - 20, y))
    page.touch("touchEnd")
    wait_until(lambda: page.js("return window.audioPlayground.player.range"), "the zoom")
    assert page.js("return window.audioPlayground.player.range.count") < N_SAMPLES / 2
    assert (page.heard()["changes"], page.position_s()) == (0, 0)
    page.finger((200, y), (240, y), (280, y))  # and the next finger paints again
    wait_until(lambda: page.heard()["changes"] == 1, "a span")


# ---- the server, the player, the strip


def test_what_comes_from_elsewhere_does_not_break_a_gesture(page: Page) -> None:
    page.open("+4-8", elsewhere="+1-2,-15-16")
    page.drag(6, 8, 10, drop=False)
    wait_until(page.label_under_the_hand, "the gesture")
    page.press("elsewhere")
    wait_until(lambda: len(page.drawn()) == 3, "what came from elsewhere")
    assert page.heard()["changes"] == 0
    assert page.label_under_the_hand()
    page.release()
    assert page.after(1) == ["+ 1 2", "+ 8 12", "- 15 16"]


def test_a_server_that_lags_behind_takes_nothing_back(page: Page) -> None:
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


def test_spans_outside_the_recording_are_treated_as_the_model_does_and_said(page: Page) -> None:
    page.open("+1.5-3,+20-50,-30-40,+7.01-7.03")
    assert page.drawn() == ["+ target, 1.52 to 3.00 s", "+ target, 20.00 to 21.03 s"]
    assert page.words() == "2 of the spans mark no frame of this recording: the model leaves them out."
    page.span(1).click()
    wait_until(lambda: "cut at the end of the recording" in page.words(), "the explanation")


def test_without_frames_spans_do_not_snap(page: Page) -> None:
    page.open("+1.234-2.345", frame_s=0)
    assert page.drawn() == ["+ target, 1.234 to 2.345 s"]
    page.span().click()
    wait_until(lambda: page.words() == "+ 1.234 – 2.345 s", "words without frames")


def test_a_span_is_looped_while_it_is_adjusted(page: Page) -> None:
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


def test_the_strip_says_which_spans_reach_which_chunk(page: Page) -> None:
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
