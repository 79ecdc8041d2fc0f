"""The Benchmark page in a real browser: set up, run, sort, hear, compare, use; also with hundreds of cells."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver import Chrome, Keys

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.benchmark.benchmark import Benchmark
from separation.results.kept import recording_of, result_of
from storage import ArtifactStore
from storage.records import BenchmarkTable
from tests.browser.test_axe import faults
from tests.support.browser import DESKTOP, PHONE, console_errors, resize, sideways_px, wait_until
from tests.support.kept_benchmarks import keep_benchmark_of, keep_large_benchmark
from tests.support.player_endurance import keep_noise
from tests.support.server import RunningServer, running_server
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser

POINTS = "return document.querySelectorAll('.js-plotly-plot .scatterlayer .point').length"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def small(home: Path) -> Benchmark:
    """A benchmark of three results of one recording, which are there to be heard."""
    store = ArtifactStore(home)
    recording, results = keep_noise(store, 3)
    benchmark = keep_benchmark_of(store, recording_of(recording), [result_of(result) for result in results])
    keep_large_benchmark(store)
    store.close()
    return benchmark


@pytest.fixture(scope="module")
def server(home: Path, small: Benchmark) -> Iterator[RunningServer]:
    with running_server(home=home) as server:
        yield server


@pytest.fixture
def page(browser: Chrome, server: RunningServer) -> Iterator[Studio]:
    resize(browser, DESKTOP)
    console_errors(browser)
    yield Studio(browser, server.url)
    assert console_errors(browser) == []
    assert "Traceback" not in server.log()


def opened(page: Studio, id: str, n_rows: int) -> Studio:
    page.open(f"/benchmark/{id}")
    wait_until(lambda: len(page.all(".figures tbody tr")) == n_rows, "the table")
    wait_until(lambda: page.js(POINTS), "the charts above it, after which nothing moves under a click", 60)
    return page


def column(page: Studio, number: int) -> list[str]:
    return page.texts(f".figures tbody tr > :nth-child({number})")


def test_the_benchmarks_there_are_lead_to_their_own_addresses(page: Studio, small: Benchmark) -> None:
    page.open("/benchmark")
    wait_until(lambda: page.texts(".shell-main a") == ["Many chunk lengths", "Seeds"], "the newest first")
    page.all(".shell-main a")[1].click()
    wait_until(lambda: page.browser.current_url.endswith(f"/benchmark/{small.id}"), "its address")
    wait_until(lambda: page.title == "Seeds", "its name")


def test_a_cell_is_heard_at_the_playhead_and_the_next_one_goes_on_there(page: Studio, small: Benchmark) -> None:
    opened(page, small.id, 3)
    page.button("Hear").click()
    wait_until(lambda: page.player()["position_samples"] > 44_100, "sound")
    assert page.tracks == ["drums", "Mixture"]
    before = page.player()["position_samples"]
    page.all('[aria-label^="Hear "]')[2].click()
    wait_until(lambda: "seed 2" in "".join(page.texts(".listening-title")), "the other cell")
    wait_until(lambda: page.player()["playing"] and page.player()["position_samples"] > before, "it goes on")
    assert page.player()["position_samples"] < before + 30 * 44_100, "from where it was"
    assert page.gains() == {"drums": 1, "Mixture": 0}


def test_clicking_a_point_plays_its_result(page: Studio, small: Benchmark) -> None:
    opened(page, small.id, 3)
    wait_until(lambda: page.js(POINTS), "the chart", 20)
    page.js("document.querySelector('.chart').scrollIntoView()")
    # Plotly listens to the mouse on a layer above its points.
    spot = page.js("""const point = document.querySelector(".js-plotly-plot .scatterlayer .point");
        const box = point.getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2]""")
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        event = {"type": kind, "x": spot[0], "y": spot[1], "button": "left", "clickCount": 1}
        page.browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)
    wait_until(lambda: page.texts(".listening-title"), "what is heard")
    wait_until(lambda: page.player()["position_samples"] > 0, "sound")


def test_the_points_of_another_benchmark_can_be_laid_over(page: Studio, small: Benchmark) -> None:
    opened(page, small.id, 3)
    before = page.js(POINTS)
    page.button("Add another benchmark…").click()
    # Read at once: the menu may be drawn anew between two looks at it.
    items = lambda words: [text for text in page.texts(".q-menu .q-item") if words in text]  # noqa: E731
    (other,) = wait_until(lambda: items("Many chunk"), "the other one")
    page.click_in_open_menu(other.split("\n")[0])
    wait_until(lambda: page.js(POINTS) >= before + 60, "its points")
    assert len(page.all(".figures tbody tr")) == 3, "the table stays this benchmark's own"
    page.button("Add another benchmark…").click()
    (marked,) = wait_until(lambda: items("✓"), "the mark")
    page.click_in_open_menu(marked.split("\n")[0])
    wait_until(lambda: page.js(POINTS) == before, "without them again")


def test_a_chart_is_saved_as_a_picture(page: Studio, small: Benchmark, tmp_path: Path) -> None:
    opened(page, small.id, 3)
    page.browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.one('[aria-label="Save “Quality against time” as a picture"]').click()
    wait_until(lambda: list(tmp_path.glob("*.png")), "the picture", 20)
    width, height = struct.unpack(">II", next(tmp_path.glob("*.png")).read_bytes()[16:24])
    assert width > 600 and height > 600, "twice the pixels of the page"


def test_two_rows_go_to_compare(page: Studio, small: Benchmark) -> None:
    opened(page, small.id, 3)
    send = page.one(".shell-actions .button.primary")
    assert not send.is_enabled()
    for box in page.all(".figures tbody input")[:2]:
        box.click()
    wait_until(lambda: send.is_enabled() and send.text == "Compare 2 settings", "the button")
    send.click()
    wait_until(lambda: len(page.texts(".sides label")) == 3, "both sides and their difference")
    labels = " ".join(page.texts(".sides label"))
    assert "seed 0" in labels and "seed 1" in labels


def test_use_opens_the_studio_with_that_result(page: Studio, small: Benchmark, server: RunningServer) -> None:
    opened(page, small.id, 3)
    page.all('.figures a[aria-label^="Use "]')[1].click()
    wait_until(lambda: page.title == small.songs[0].name, "the recording in the Studio")
    shown = "return [...window.audioPlayground.player.owners.values()].flat().map((track) => track.url)"
    outcomes = BenchmarkTable(server.home).outcomes(small.id)
    second = [outcomes[cell.id]["result"] for cell in small.cells()][1]
    wait_until(lambda: any(second in url for url in page.js(shown)), "the tracks of that very result")


def test_a_benchmark_is_renamed(page: Studio, small: Benchmark) -> None:
    opened(page, small.id, 3)
    page.one('[aria-label="Rename this benchmark"]').click()
    page.name_field().send_keys(Keys.CONTROL, "a")
    page.name_field().send_keys("Choruses", Keys.ENTER)
    wait_until(lambda: page.title == "Choruses", "its new name")
    wait_until(lambda: not page.all(".q-dialog"), "the dialog to be gone")
    page.one('[aria-label="Rename this benchmark"]').click()
    page.name_field().send_keys(Keys.CONTROL, "a")
    page.name_field().send_keys("Seeds", Keys.ENTER)
    wait_until(lambda: page.title == "Seeds", "its old one")


def test_settings_become_a_preset(page: Studio, small: Benchmark) -> None:
    opened(page, small.id, 3)
    page.all('[aria-label^="Keep "]')[0].click()
    page.name_field().send_keys(Keys.CONTROL, "a")
    page.name_field().send_keys("of the benchmark")
    page.button("Keep").click()
    wait_until(lambda: not page.all(".q-dialog"), "the dialog to close")
    page.open("/")
    wait_until(lambda: "of the benchmark" in page.js("return document.body.innerText"), "it among the settings")


def test_nothing_moves_below_the_charts_when_they_are_drawn(page: Studio, browser: Chrome) -> None:
    browser.execute_cdp_cmd("Page.enable", {})
    watch = """
      window.tops = [];
      const look = () => {
        const table = document.querySelector(".figures");
        if (table) window.tops.push(Math.round(table.getBoundingClientRect().top + scrollY));
        requestAnimationFrame(look);
      };
      look();"""
    script = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": watch})
    try:
        opened(page, "large", 60)
        charts = "return [...document.querySelectorAll('.chart-body')].map((one) => one.querySelectorAll('svg').length)"
        wait_until(lambda: len(page.js(charts)) > 1 and all(page.js(charts)), "every chart")
        tops = page.js("return window.tops")
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
    assert max(tops) - min(tops) <= 30, "a bar to scroll at most"


def test_hundreds_of_cells_sort_and_filter(page: Studio) -> None:
    opened(page, "large", 60)
    times = column(page, 4)
    page.button("Time").click()
    wait_until(lambda: page.all('[aria-sort="ascending"]'), "sorted")
    assert column(page, 4) == times, "the fastest stood first"
    page.button("Time ↑").click()
    wait_until(lambda: column(page, 4) == times[::-1], "the other way")
    page.one(".figures-filter").send_keys("chunk 19.75")
    wait_until(lambda: page.texts(".figures [role=status]") == ["1 of 60"], "one")
    page.one(".figures-filter").clear()
    page.one(".figures-filter").send_keys("nothing")
    wait_until(lambda: not page.all(".figures tbody tr"), "none")


@pytest.mark.parametrize("look", ["dark", "light", "phone"])
def test_axe_finds_no_serious_fault(page: Studio, small: Benchmark, look: str) -> None:
    resize(page.browser, PHONE if look == "phone" else DESKTOP)
    page.open("/benchmark")
    page.js(f"document.cookie = 'scheme={'light' if look == 'light' else 'dark'}; path=/'")
    page.reload()
    assert faults(page) == []
    opened(page, small.id, 3)
    page.js("document.querySelector('.figures-do button').click()")
    wait_until(lambda: page.texts(".listening-title"), "what is heard")
    wait_until(lambda: page.js(POINTS), "the chart", 20)
    assert faults(page) == []
    assert sideways_px(page.browser) == 0
    page.js("document.cookie = 'scheme=dark; path=/'")


def test_on_a_phone_every_figure_and_button_of_a_row_is_on_the_screen(page: Studio, small: Benchmark) -> None:
    resize(page.browser, PHONE)
    try:
        opened(page, small.id, 3)
        page.js("document.querySelector('.figures').scrollIntoView()")
        boxes = """const boxes = (selector) => [...document.querySelectorAll(selector)]
            .filter((el) => el.checkVisibility()).map((el) => el.getBoundingClientRect()).filter((box) => box.width);"""
        wide = f"""{boxes} const off = (box) => box.left < 0 || box.right > innerWidth;
            return boxes('.figures :is(td, th, button, a)').filter(off).length"""
        assert page.js(wide) == 0
        low = f"{boxes} return boxes('.figures :is(button, a, label)').filter((box) => box.height < 44).length"
        assert page.js(low) == 0
        named = page.js("return getComputedStyle(document.querySelectorAll('.figures td.num')[1], '::before').content")
        assert named == '"Time"'
        page.button("Time").click()
        wait_until(lambda: page.all('[aria-sort="ascending"]'), "sorted")
    finally:
        resize(page.browser, DESKTOP)


def test_an_address_of_none_says_so(page: Studio) -> None:
    page.open("/benchmark/none")
    assert "There is no such benchmark" in page.messages


def test_the_demo_is_measured_against_its_true_stems(browser: Chrome, shared_server: RunningServer) -> None:
    resize(browser, DESKTOP)
    page = Studio(browser, shared_server.url).open("/benchmark")
    if "Demo song" not in "".join(page.texts(".settings-group")):
        page.button("Add the demo").click()
    wait_until(lambda: "Demo song, 4 known stems" in "".join(page.texts(".settings-group")), "the demo", RUN_S)
    page.button("A quick look").click()
    wait_until(lambda: page.texts('.examples [aria-pressed="true"]') == ["A quick look"], "the example")
    page.set("Length", 3)
    run = page.one(".shell-actions .button.primary")
    wait_until(lambda: "recording" in "".join(page.texts(".cost")) and run.is_enabled(), "the cost")
    run.click()
    wait_until(lambda: "/benchmark/" in browser.current_url, "its page", RUN_S)
    wait_until(lambda: "dB" in "".join(page.texts(".figures tbody")), "a figure", RUN_S)
    wait_until(lambda: "Stop" not in page.texts("button") or page.button("Stop").click() is None, "the end or a stop")
    page.button("Hear").click()
    wait_until(lambda: page.tracks == ["drums", "True drums", "Mixture"], "the true stem beside it")
    page.one('.figures a[aria-label^="Use "]').click()
    wait_until(lambda: page.tracks[:2] == ["Mixture", "drums"], "the Studio with that result", RUN_S)
    wait_until(lambda: "Keep stems" in page.texts(".made-actions button"), "what its settings ask for is there")
    assert console_errors(browser) == []


def test_a_folder_of_songs_with_known_stems_is_brought(page: Studio, tmp_path: Path) -> None:
    folder = tmp_path / "Artist - Title"
    folder.mkdir()
    rng = np.random.default_rng(5)
    sounds = {name: 0.1 * rng.standard_normal((2, 22_050)).astype(np.float32) for name in ("vocals", "drums")}
    for name, samples in {**sounds, "mixture": sum(sounds.values())}.items():
        encode(Waveform(samples, 22_050), folder / f"{name}.wav")
    page.open("/benchmark")
    page.button("Songs with known stems…").click()
    fields = '[aria-label="Folder on this computer"]'
    field = wait_until(lambda: next((one for one in page.all(fields) if one.is_displayed()), None), "the field")
    field.send_keys("somewhere")
    page.button("Look").click()
    wait_until(lambda: "no whole path" in page.messages, "what is wrong")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(str(tmp_path))
    page.button("Look").click()
    wait_until(lambda: "Artist - Title" in "".join(page.texts(".known-songs-list")), "the song")
    assert "vocals" in "".join(page.texts(".known-songs-list"))
    page.button("Import 1 song").click()
    wait_until(
        lambda: "Artist - Title, 2 known stems" in "".join(page.texts(".settings-group")), "the recording", RUN_S
    )
    wait_until(lambda: not page.all(".q-dialog"), "the dialog to close")


def test_what_cannot_be_run_is_said_before_it_is_run(page: Studio) -> None:
    page.open("/benchmark")
    wait_until(lambda: "recording" in "".join(page.texts(".cost")), "the cost")
    page.set("Passage from", 5000)
    wait_until(lambda: "has no passage at 1:23:20" in page.messages, "what is wrong with the passage")
    page.set("Passage from", 0)
    wait_until(lambda: not page.messages, "a passage that is there")
    sounds = page.one('input[aria-label="Sounds"]')
    sounds.send_keys(Keys.CONTROL, "a")
    sounds.send_keys(Keys.DELETE)
    wait_until(lambda: "No sound is named" in page.messages, "what is missing")
    assert not page.one(".shell-actions .button.primary").is_enabled()


def test_a_double_click_runs_one_benchmark(page: Studio, home: Path) -> None:
    before = set(BenchmarkTable(home).benchmarks())
    page.open("/benchmark")
    run = page.one(".shell-actions .button.primary")
    wait_until(lambda: "recording" in "".join(page.texts(".cost")) and run.is_enabled(), "the cost")
    page.js("arguments[0].click(); arguments[0].click(); arguments[0].click()", run)
    wait_until(lambda: "/benchmark/" in page.browser.current_url, "its page", RUN_S)
    page.button("Stop").click()
    page.button("Remove").click()
    wait_until(lambda: page.browser.current_url.endswith("/benchmark"), "the list")
    assert set(BenchmarkTable(home).benchmarks()) == before


def test_the_names_of_benchmarks_keep_their_distance_from_the_border(page: Studio) -> None:
    page.open("/benchmark")
    gap_px = """
        const link = document.querySelector(".shell-main .card a");
        return link.getBoundingClientRect().left - link.closest(".card").getBoundingClientRect().left"""
    assert page.js(gap_px) >= 8
