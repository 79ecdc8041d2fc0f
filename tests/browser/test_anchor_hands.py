"""Spans in the Studio by fingers, keyboard and mouse: painted, moved, resized, deleted; read back from the draft."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlparse

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys

from storage.records import DraftTable
from tests.support.anchor_steps import DURATION_S, chip, choose_tool, marking
from tests.support.browser import DESKTOP, PHONE, console_errors, resize, sideways_px, wait_until
from tests.support.server import RunningServer
from tests.support.studio_steps import Studio

pytestmark = pytest.mark.browser
VIOLIN = "violin"
Anchors = Callable[[], list[tuple[str, float, float]]]
Hand = Callable[..., None]


@pytest.fixture(scope="module")
def marked(browser: Chrome, shared_server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A recording of eight seconds, of which two sounds can be asked for with spans."""
    resize(browser, DESKTOP)
    yield marking(Studio(browser, shared_server.url), tmp_path_factory.mktemp("files"))
    assert console_errors(browser) == []
    assert "Traceback" not in shared_server.log()


@pytest.fixture
def studio(marked: Studio) -> Iterator[Studio]:
    """It, with no span of the first sound."""
    yield marked
    resize(marked.browser, DESKTOP)
    marked.js("window.audioPlayground.player.setRange(null)")
    for span in marked.all(".spans [role=slider]"):
        span.send_keys(Keys.DELETE)


@pytest.fixture
def anchors(studio: Studio, shared_server: RunningServer) -> Anchors:
    """What the server has written down of the spans of the first sound."""
    book, key = DraftTable(shared_server.home), parse_qs(urlparse(studio.browser.current_url).query)["recording"][0]

    def read() -> list[tuple[str, float, float]]:
        draft = book.read(key)
        assert draft is not None
        (found,) = [prompt["anchors"] for prompt in draft["prompts"] if prompt["text"] == VIOLIN]
        return [(one["sign"], round(one["start_s"], 2), round(one["stop_s"], 2)) for one in found]

    return read


def begin(studio: Studio, size: tuple[int, int]) -> None:
    resize(studio.browser, size)
    wait_until(lambda: studio.js("return innerWidth") == size[0], "the size")
    studio.all(".chip-body")[0].click()
    wait_until(lambda: "violin" in "".join(studio.texts(".span-bar [role=status]")), "the first sound to be chosen")
    studio.js("document.querySelector('.wave').scrollIntoView({block: 'center', behavior: 'instant'})")


def xy(studio: Studio, time_s: float) -> tuple[float, float]:
    """Where a time of the whole recording lies on the screen, low enough on the waveform for a hand."""
    left, top, width, height = studio.js("""
        const {left, top, width, height} = document.querySelector(".spans").getBoundingClientRect();
        return [left, top, width, height]""")
    return left + time_s / DURATION_S * width, top + 0.7 * height


def touch(studio: Studio, kind: str, *points: tuple[float, float]) -> None:
    fingers = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(points)]
    studio.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})


def finger(studio: Studio, *times_s: float) -> None:
    """Put a finger down at the first time, move it over the others, and lift it."""
    touch(studio, "touchStart", xy(studio, times_s[0]))
    for time_s in times_s[1:]:
        touch(studio, "touchMove", xy(studio, time_s))
    touch(studio, "touchEnd")


def mouse(studio: Studio, *times_s: float) -> None:
    """The same with the mouse."""
    hand = ActionChains(studio.browser, duration=0)
    pointer = hand.w3c_actions.pointer_action
    pointer.move_to_location(*map(round, xy(studio, times_s[0])))
    pointer.pointer_down()
    for time_s in times_s[1:]:
        pointer.move_to_location(*map(round, xy(studio, time_s)))
    pointer.pointer_up()
    hand.perform()


def is_asked(anchors: Anchors, sign: str, start_s: float, stop_s: float, *, within_s: float) -> bool:
    """Whether the one span of the first sound is this, as the request has it."""
    found = anchors()
    if len(found) != 1 or found[0][0] != sign:
        return False
    return abs(found[0][1] - start_s) <= within_s and abs(found[0][2] - stop_s) <= within_s


@pytest.mark.parametrize(("hand", "size"), [(finger, PHONE), (mouse, DESKTOP)], ids=["finger", "mouse"])
def test_a_span_is_painted_moved_resized_and_deleted_by_hand(
    studio: Studio, anchors: Anchors, hand: Hand, size: tuple[int, int]
) -> None:
    begin(studio, size)
    near_s = 2 * 0.04 + 2 * DURATION_S / size[0]  # a frame of the model, and pixels, at both ends of the way
    choose_tool(studio, "+ here")
    hand(studio, 2, 2.5, 3)
    wait_until(lambda: is_asked(anchors, "+", 2, 3, within_s=near_s), "the painted span")
    choose_tool(studio, "Seek")
    hand(studio, 2.5, 3.5, 4.5)
    wait_until(lambda: is_asked(anchors, "+", 4, 5, within_s=2 * near_s), "the moved span")
    hand(studio, 5, 5.5, 6)
    wait_until(lambda: is_asked(anchors, "+", 4, 6, within_s=3 * near_s), "the longer span")
    hand(studio, 4, 3.5, 3)
    wait_until(lambda: is_asked(anchors, "+", 3, 6, within_s=3 * near_s), "the span that begins earlier")
    hand(studio, 4.5)
    studio.one('.span-bar [aria-label="Here"]').click()
    wait_until(lambda: is_asked(anchors, "-", 3, 6, within_s=3 * near_s), "the other sign")
    assert sideways_px(studio.browser) == 0
    studio.one('.span-bar [aria-label="Delete the span"]').click()
    wait_until(lambda: anchors() == [], "no span")
    assert "+1" not in chip(studio, VIOLIN) and "-1" not in chip(studio, VIOLIN)


def test_two_fingers_zoom_in_the_studio_and_one_paints_finer_then(studio: Studio, anchors: Anchors) -> None:
    begin(studio, PHONE)
    choose_tool(studio, "+ here")
    (left, y), (right, _) = xy(studio, 3.5), xy(studio, 4.5)
    touch(studio, "touchStart", (left, y))
    touch(studio, "touchStart", (left, y), (right, y))
    for px in (20, 40, 60):
        touch(studio, "touchMove", (left - px, y), (right + px, y))
    touch(studio, "touchEnd")
    seen = "return window.audioPlayground.player.range"
    shown = wait_until(lambda: studio.js(seen), "the zoom")
    assert shown["count"] < 48_000 * DURATION_S / 2
    assert anchors() == []
    assert studio.player()["position_samples"] == 0, "a pinch does not seek"
    width = studio.js("return document.querySelector('.spans').clientWidth")
    (x, _), seconds = xy(studio, 0), shown["count"] / 48_000
    for kind, at in (("touchStart", 0.25), ("touchMove", 0.5), ("touchMove", 0.75)):
        touch(studio, kind, (x + at * width, y))
    touch(studio, "touchEnd")
    start_s = shown["start"] / 48_000 + 0.25 * seconds
    wait_until(lambda: is_asked(anchors, "+", start_s, start_s + seconds / 2, within_s=0.1), "the fine span")


def test_what_hands_can_keys_can_in_the_studio(studio: Studio, anchors: Anchors) -> None:
    begin(studio, DESKTOP)
    studio.js("window.audioPlayground.player.seek(2 * 48000); document.activeElement.blur()")
    keys = lambda *pressed: ActionChains(studio.browser).send_keys(*pressed).perform()  # noqa: E731
    keys("y")
    wait_until(lambda: anchors() == [("+", 2.0, 3.0)], "a second at the playhead")
    studio.one(".spans [role=slider]").send_keys(Keys.ARROW_RIGHT * 5)
    wait_until(lambda: anchors() == [("+", 2.2, 3.2)], "five frames on")
    studio.one(".spans [role=slider]").send_keys(Keys.ARROW_UP * 10)
    wait_until(lambda: anchors() == [("+", 2.2, 3.6)], "a later end")
    studio.one(".spans [role=slider]").send_keys(Keys.ALT, Keys.ARROW_DOWN * 5)
    wait_until(lambda: anchors() == [("+", 2.0, 3.6)], "an earlier start")
    studio.one(".spans [role=slider]").send_keys("-")
    wait_until(lambda: anchors() == [("-", 2.0, 3.6)], "the other sign")
    studio.one(".spans [role=slider]").send_keys(Keys.ENTER)
    studio.browser.switch_to.active_element.send_keys("0.4", Keys.TAB)
    wait_until(lambda: anchors() == [("-", 0.4, 3.6)], "the typed start")
    studio.one(".spans [role=slider]").send_keys(Keys.DELETE)
    wait_until(lambda: anchors() == [], "no span")
    ActionChains(studio.browser).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
    wait_until(lambda: anchors() == [("-", 0.4, 3.6)], "it again")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_no_tool_lies_over_the_waveform(studio: Studio, size: tuple[int, int]) -> None:
    begin(studio, size)
    beyond = """const strip = document.querySelector(".hosting > .strip"), { right } = strip.getBoundingClientRect();
        return [...strip.querySelectorAll("*")].filter((el) => el.checkVisibility()
            && el.getBoundingClientRect().right > right + 0.5).map((el) => el.ariaLabel ?? el.className)"""
    assert studio.texts(".tools .seg") and studio.js(beyond) == []
