"""Spans on the Studio page: painted, in the request that is run, and one chunk done anew. With a tiny SAM-Audio."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml
from selenium.webdriver import ActionChains, Chrome, Keys

from separation.estimates.layout import outline
from tests.support.anchor_steps import DURATION_S, RATE, anchors, chip, marking, paint, request
from tests.support.browser import console_errors, wait_until
from tests.support.sam_models import CHECKPOINT
from tests.support.server import RunningServer
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def studio(browser: Chrome, shared_server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """Eight seconds on the desk, to be separated by the tiny model."""
    yield marking(Studio(browser, shared_server.url), tmp_path_factory.mktemp("files"))
    assert console_errors(browser) == []
    assert "Traceback" not in shared_server.log()


def test_what_is_painted_is_what_is_asked_for_of_the_chosen_prompt(studio: Studio) -> None:
    assert request(studio).model == str(CHECKPOINT)
    studio.all(".chip-body")[0].click()
    paint(studio, "+ here", 1, 2)
    wait_until(lambda: "+1" in chip(studio, "violin"), "the span at its prompt")
    (plus,) = anchors(studio, "violin")
    assert plus[0] == "+" and abs(plus[1] - 1) < 0.1 and abs(plus[2] - 2) < 0.1
    assert all(abs(25 * border - round(25 * border)) < 0.3 for border in plus[1:]), "on frames of 40 ms"
    studio.all(".chip-body")[1].click()
    paint(studio, "- not here", 4, 5)
    wait_until(lambda: "-1" in chip(studio, "man"), "the span of the other prompt")
    assert [one[0] for one in anchors(studio, "man speaking")] == ["-"]
    assert anchors(studio, "violin") == [plus]
    ActionChains(studio.browser).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
    wait_until(lambda: "-1" not in chip(studio, "man"), "undo")
    studio.reload()
    wait_until(lambda: "+1" in chip(studio, "violin"), "the span after a reload")
    assert anchors(studio, "violin") == [plus]


def test_the_strip_is_cut_as_the_engine_cuts_and_follows_the_settings(studio: Studio) -> None:
    strip = "return document.querySelector('.wave-strip').getAttribute('aria-label')"
    expected = outline(request(studio), RATE * DURATION_S, RATE)
    assert expected is not None
    wait_until(lambda: str(len(expected.spans_s)) in studio.js(strip), "the chunks that the engine will cut")
    studio.set("Length", 4)
    wait_until(lambda: "2 chunks" in studio.js(strip) or "3 chunks" in studio.js(strip), "fewer and longer ones")
    studio.set("Length", 2)
    wait_until(lambda: str(len(expected.spans_s)) in studio.js(strip), "those from before")


def test_one_chunk_is_done_anew_and_the_old_result_stays(studio: Studio) -> None:
    studio.start().finish("violin", "man speaking", "everything else")
    first = studio.one('[aria-label="Download violin"]').get_attribute("href")
    assert [words.split()[0] for words in studio.texts(".measure")] == ["Adds", "Gain", "Explained"]
    strip = studio.one(".wave-strip")
    ActionChains(studio.browser).move_to_element_with_offset(strip, 0, 2).click().perform()
    wait_until(lambda: any(words.startswith("Chunk ") for words in studio.texts(".chunk-name")), "the chunk's row")
    assert any("explained" in words for words in studio.texts(".chunk-row span"))
    length = studio.setting("Length").get_attribute("value")
    studio.set("Length", 4)
    wait_until(lambda: not studio.texts(".chunk-row"), "the row to go with the cut it spoke of")
    studio.set("Length", length)
    ActionChains(studio.browser).move_to_element_with_offset(strip, 0, 2).click().perform()
    studio.button("Re-roll").click()
    other = wait_until(lambda: _other_than(studio, first), "the second result", RUN_S)
    report = yaml.safe_load(studio.fetch(other.split("/0/")[0] + "/report.yaml"))
    n_chunks = len(outline(request(studio), RATE * DURATION_S, RATE).spans_s)  # type: ignore[union-attr]
    assert (report["chunks"]["computed"], report["chunks"]["from_store"]) == (1, n_chunks - 1)
    labels = [option.text for option in studio.setting("Result").find_elements("css selector", "option")]
    assert len(labels) == 2 and sum("re-rolled" in label for label in labels) == 1


def _other_than(studio: Studio, link: str) -> str | None:
    now = studio.js("return document.querySelector('[aria-label=\"Download violin\"]')?.href")
    return now if now and now != link else None
