"""What a blind test has found stands beside the setting in the Studio, as long as the test is there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from selenium.webdriver import Chrome

from separation.backends import registry
from separation.request import ChunkSettings, Request
from storage import ArtifactStore
from storage.records import BlindTestTable
from tests.browser.test_axe import faults
from tests.support.browser import DESKTOP, PHONE, console_errors, resize, sideways_px, wait_until
from tests.support.listening_steps import Guest, made, sides
from tests.support.player_endurance import keep_noise
from tests.support.server import RunningServer
from tests.support.studio_steps import Studio
from webapp.state.blind_tests import BlindTests

pytestmark = pytest.mark.browser


def notes(studio: Studio) -> list[str]:
    return [" ".join(words.split()) for words in studio.texts(".setting-note")]


def test_a_finding_comes_with_the_last_answer_leads_to_its_test_and_goes_with_it(
    browser: Chrome, server: RunningServer, tmp_path
) -> None:
    recording, results = keep_noise(ArtifactStore(server.home), 2)
    settle = registry.get("builtin").settle
    made_with = [settle(Request.of("drums", backend="builtin", chunks=ChunkSettings(chunk_s=s))) for s in (6.0, 20.0)]
    compared = zip(sides(tmp_path), made_with, results, strict=True)
    about = {
        "recording": recording.key,
        "sides": tuple(replace(one, made_with=made.to_dict(), source=kept.key) for one, made, kept in compared),
        "guided": False,
    }
    test = made(server.home, tmp_path, **about)
    guest = Guest(server.url, test.id, test.key)
    guest.join()
    studio = Studio(browser, server.url).open(f"/?recording={recording.key}&prompts=drums")
    studio.set("Length", 6).confirmed()
    assert notes(studio) == []
    plan = BlindTests(ArtifactStore(server.home), BlindTestTable(server.home)).listener(test.id, guest.token)[1].plan
    sound = [trial.x == trial.a for trial in plan]  # whether X is A
    guest.take(lambda prepared, _: "BA"[sound[prepared["index"]] ^ prepared["index"] % 2])  # every other one rightly
    wait_until(lambda: notes(studio), "what was found")
    (note,) = notes(studio)
    assert note.startswith("6 s: not told apart from 20 s in 16 trials by 1 listener (8 right, p = 0.60).")
    for look, size in (("dark", DESKTOP), ("light", DESKTOP), ("light", PHONE)):
        resize(browser, size)
        studio.js(f"document.cookie = 'scheme={look}; path=/'")
        studio.reload()
        if size == PHONE:
            studio.one(".sheet-button").click()
        studio.setting("Length")
        wait_until(lambda: notes(studio) == [note], "it after a reload")
        assert faults(studio) == [] and sideways_px(browser) <= 0
    resize(browser, DESKTOP)
    studio.set("Length", 9).confirmed()
    wait_until(lambda: notes(studio) == [], "nothing about another value")
    studio.set("Length", 20).confirmed()
    wait_until(lambda: notes(studio)[:1] and notes(studio)[0].startswith("20 s: "), "what was found of the other side")
    studio.one(".setting-note a").click()
    wait_until(lambda: studio.texts(".test-card"), "the test")
    studio.button("Delete").click()
    wait_until(lambda: not studio.texts(".test-card"), "no test")
    studio.open(f"/?recording={recording.key}&prompts=drums").setting("Length")
    assert notes(studio) == []
    assert console_errors(browser) == []
