"""The time line of the Studio: what is made fills the screen, in lanes under one ruler, and nothing moves meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from selenium.webdriver import ActionChains, Chrome, Keys

from tests.support.browser import DESKTOP, PHONE, bars_share, resize, wait_until
from tests.support.server import RunningServer
from tests.support.studio_steps import RUN_S, Studio

# Begins to add up the layout shifts, also those soon after a press, and to note where these parts stand.
_WATCH = """
    window.shifts = [];
    const moved = ({previousRect: from, currentRect: to}) => Math.hypot(to.x - from.x, to.y - from.y) >= 1;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => window.shifts.push(
        ...entry.sources.filter(moved).map(({node, previousRect: from, currentRect: to}) =>
            [node?.className || node?.nodeName, from.x, from.y, to.x, to.y, to.width, to.height].join(" ")))))
        .observe({type: "layout-shift"});
    window.places = {};
    const parts = [".prompts", ".timeline-head", ".wave-stage", ".track.hosting .strip", ".wave-strip"];
    const note = () => {
        for (const part of parts) {
            const {x, y, width, height} = document.querySelector(part).getBoundingClientRect();
            (window.places[part] ??= new Set()).add([x, y, width, height].map(Math.round).join());
        }
        window.noting = requestAnimationFrame(note);
    };
    note();
"""


@pytest.fixture
def studio(browser: Chrome, shared_server: RunningServer) -> Iterator[Studio]:
    """On a desktop's screen."""
    resize(browser, DESKTOP)
    yield Studio(browser, shared_server.url).open()
    resize(browser, DESKTOP)


def boxes(studio: Studio, selector: str) -> list[dict[str, float]]:
    script = "return [...document.querySelectorAll(arguments[0])].map((el) => el.getBoundingClientRect().toJSON())"
    found: list[dict[str, float]] = studio.js(script, selector)
    return found


def make(studio: Studio, *names: str) -> None:
    """See to it that these sounds are made, which an earlier test may have done."""
    studio.ask(*names).start().finish(*names, "everything else")


def test_nothing_moves_while_a_run_begins_goes_on_and_ends(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "never heard before.wav"
    soundfile.write(path, np.random.default_rng(20).uniform(-0.3, 0.3, (12 * 44_100, 2)), 44_100)
    studio.bring(path).ask("drums", "bass", "vocals")
    studio.js(_WATCH)
    studio.start().finish("drums", "bass", "vocals", "everything else")
    studio.js("cancelAnimationFrame(window.noting)")
    places: dict[str, Any] = studio.js(
        "return Object.fromEntries(Object.entries(window.places).map(([part, seen]) => [part, [...seen]]))"
    )
    assert {part: len(seen) for part, seen in places.items()} == dict.fromkeys(places, 1), places
    assert studio.js("return window.shifts") == []


def test_all_tracks_are_seen_at_once_in_lanes_under_one_ruler(studio: Studio) -> None:
    make(studio.try_demo(), "drums", "bass", "vocals")
    screen = boxes(studio, ".shell-main")[0]
    rows, wave = boxes(studio, ".track"), boxes(studio, ".wave-stage")[0]
    lanes = boxes(studio, ".lane > canvas")
    assert len(rows) == 5 and rows[-1]["bottom"] <= screen["bottom"], "the mixture and four sounds"
    assert {(lane["left"], lane["right"]) for lane in lanes} == {(wave["left"], wave["right"])}
    names = [words for words in studio.texts(".track-name > b") if words == "Mixture"]
    assert len(names) == 1 == len(studio.all(".wave-stage")), "the recording is drawn once"


def test_after_a_run_the_brightest_thing_is_keeping(studio: Studio) -> None:
    make(studio.try_demo(), "drums")
    assert studio.texts(".primary") == ["Keep stems"]
    studio.type("bass")
    assert studio.texts(".primary") == ["Separate 2 sounds"], "in the same frame"
    studio.one('[aria-label="Remove bass"]').click()
    wait_until(lambda: studio.texts(".primary") == ["Keep stems"], "the server's word that they are made")
    studio.button("Listen").click()
    wait_until(lambda: studio.player()["playing"], "the sound")
    studio.one(".play").click()


def test_a_phone_shows_the_sounds_that_were_made_and_its_bars_leave_them_room(studio: Studio) -> None:
    resize(studio.browser, PHONE)
    studio.open()
    # Parts that change the height of others while they are measured make a browser complain of a loop.
    studio.js("window.loops = []; addEventListener('error', (event) => window.loops.push(event.message))")
    studio.try_demo().ask("vocals")
    assert bars_share(studio.browser) <= 0.15
    studio.start().finish("vocals", "everything else")
    assert bars_share(studio.browser) <= 0.15
    wait_until(lambda: in_sight(studio, "vocals"), "the first sound to come into view", RUN_S)
    assert boxes(studio, "html")[0]["width"] == studio.js("return document.documentElement.scrollWidth")
    assert "Keep stems" in studio.texts(".made-actions button")
    assert studio.js("return window.loops") == []
    small = boxes(studio, ".shell-footer button, .shell-actions button, .shell-header button")
    assert all(box["height"] >= 44 and box["width"] >= 44 for box in small if box["width"]), small


def test_the_export_panel_closes_by_escape_and_by_a_press_elsewhere(studio: Studio) -> None:
    make(studio.try_demo(), "drums")
    for leave in (
        lambda: ActionChains(studio.browser).send_keys(Keys.ESCAPE).perform(),
        lambda: studio.one(".track-name").click(),
    ):
        studio.one("[popovertarget=export]").click()
        wait_until(lambda: studio.texts(".export-panel"), "the panel")
        leave()
        wait_until(lambda: not studio.texts(".export-panel"), "the panel to close")


def test_the_pages_are_a_menu_on_a_phone(studio: Studio) -> None:
    resize(studio.browser, PHONE)
    assert not studio.texts(".rail-link")
    studio.one('button[aria-label="Pages"]').click()
    wait_until(lambda: "Library" in studio.texts(".rail-link"), "the menu")
    ActionChains(studio.browser).send_keys(Keys.ESCAPE).perform()
    wait_until(lambda: not studio.texts(".rail-link"), "the menu to close")
    studio.one('button[aria-label="Pages"]').click()
    wait_until(lambda: "Library" in studio.texts(".rail-link"), "the menu")
    next(link for link in studio.all(".rail-link") if link.text == "Library").click()
    wait_until(lambda: "/library" in studio.browser.current_url, "the page")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_lost_connection_is_said_where_it_does_not_cover_the_player(studio: Studio, size: tuple[int, int]) -> None:
    resize(studio.browser, size)
    said, player, main = (boxes(studio, one)[0] for one in ("#popup", ".shell-footer", ".shell-main"))
    assert said["height"] > 0 and said["bottom"] < main["top"] + main["height"] / 3 < player["top"]
    assert said["left"] >= 0 and said["right"] <= size[0]


def in_sight(studio: Studio, name: str) -> bool:
    row, main = boxes(studio, f'.track[aria-label="{name}"]')[0], boxes(studio, ".shell-main")[0]
    return main["top"] <= row["top"] and row["bottom"] <= main["bottom"]
