"""Spans over the waveform: with mouse, fingers and keyboard in a real browser, read back from the server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from tests.support.browser import PHONE, sideways_px, wait_until
from tests.support.player_app import N_SAMPLES, SAMPLE_RATE
from tests.support.spans_page import DURATION_S, SpansPage, spans_page

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Chrome, player_app: str) -> Iterator[SpansPage]:
    with spans_page(browser, player_app) as page:
        yield page


# ---- mouse


def test_dragging_with_a_painting_tool_makes_one_snapped_span_and_one_change(page: SpansPage) -> None:
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


def test_spans_are_grabbed_by_their_edges_and_middle_with_any_tool(page: SpansPage) -> None:
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


def test_a_span_of_one_frame_is_moved_by_its_sign(page: SpansPage) -> None:
    page.open("+10-10.04")
    sign = page.driver.find_element(By.CSS_SELECTOR, ".span > b")
    width = page.js("return document.querySelector('.spans').clientWidth")
    ActionChains(page.driver, duration=0).drag_and_drop_by_offset(sign, round(width / DURATION_S), 0).perform()
    (span,) = page.after(1)
    assert span in ("+ 10.96 11", "+ 11 11.04", "+ 11.04 11.08")


def test_with_the_select_tool_free_waveform_seeks_and_a_click_chooses(page: SpansPage) -> None:
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


def test_escape_breaks_a_gesture_off(page: SpansPage) -> None:
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


def test_painting_over_the_other_sign_wins_and_the_span_beneath_says_so(page: SpansPage) -> None:
    page.open("+6-7")
    page.tool("− Not here")
    page.drag(4, 5, 10)
    assert page.after(1) == ["- 4 10"]  # what is painted last counts
    page.tool("+ Here")
    page.drag(5, 5.5, 6)
    assert page.after(2) == ["- 4 10", "+ 5 6"]
    page.span(0).click()
    wait_until(lambda: "Where + 5.00 – 6.00 s lies over it, that one counts" in page.words(), "the explanation")


def test_spans_of_other_sounds_are_faint_and_not_in_the_way(page: SpansPage) -> None:
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


def test_everything_the_mouse_can_the_keyboard_can(page: SpansPage) -> None:
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


def test_letters_typed_into_a_field_mark_nothing(page: SpansPage) -> None:
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


def test_steps_are_undone_and_redone_and_those_of_others_stay(page: SpansPage) -> None:
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


def test_each_recording_keeps_its_own_steps(page: SpansPage) -> None:
    page.open("+4-8")
    page.drag(6, 7)
    assert page.after(1) == ["+ 5 9"]
    page.press("other")
    wait_until(lambda: page.drawn() == [], "the other recording")
    page.button("Undo")
    page.press("back")
    wait_until(lambda: page.drawn() == ["+ target, 4.00 to 8.00 s"], "the first recording")
    assert page.heard()["changes"] == 1


def test_a_span_that_gets_the_focus_comes_into_view(page: SpansPage) -> None:
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


def test_a_finger_paints_and_grabs_edges_that_are_wide_enough(page: SpansPage) -> None:
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


def test_two_fingers_zoom_and_neither_paint_nor_seek(page: SpansPage) -> None:
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
