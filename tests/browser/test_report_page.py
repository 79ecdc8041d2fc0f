"""A benchmark's report opened from a file: drawn without a network, labels apart, tables that sort."""

from __future__ import annotations

from itertools import combinations

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from separation.benchmark.charts import DARK, quality_against_time
from separation.benchmark.measures import MEASURES
from separation.benchmark.reporting import page
from tests.support.benchmark_made import MALICIOUS, made
from tests.support.benchmark_rows import separator_rows, solver_rows
from tests.support.browser import DESKTOP, PHONE, console_errors, resize, sideways_px, wait_until

pytestmark = pytest.mark.browser
TEXTS = """
    return [...document.querySelectorAll('.annotation-text')].map((one) => {
        const box = one.getBoundingClientRect();
        return [box.left, box.top, box.right, box.bottom];
    });
"""


@pytest.fixture
def report(tmp_path, browser):
    """The page of a benchmark whose recordings have a name that is markup."""
    (tmp_path / "index.html").write_text(page.text(*made(song_name=MALICIOUS)), "utf-8")
    open_page(browser, tmp_path)
    return browser


def open_page(browser, folder):
    browser.set_page_load_timeout(120)
    browser.get(f"file://{folder}/index.html")
    wait_until(lambda: browser.execute_script("return document.documentElement.dataset.ready"), "the page", 60)


def visible(browser, css):
    return [one for one in browser.find_elements(By.CSS_SELECTOR, css) if one.is_displayed()]


def test_it_is_drawn_and_sorted_without_a_network_or_an_error(report):
    wait_until(lambda: len(visible(report, "[data-chart] .main-svg")) >= 4, "the charts", 60)
    assert report.execute_script("return document.querySelectorAll('script').length") == 3
    (heading,) = [one for one in visible(report, "th button") if one.text == "Time"]
    first = [row.get_attribute("data-setting") for row in visible(report, "tbody tr")]
    heading.click()
    assert heading.find_element(By.XPATH, "..").get_attribute("aria-sort") == "ascending"
    heading.click()
    assert [row.get_attribute("data-setting") for row in visible(report, "tbody tr")] == first[::-1]
    Select(report.find_element(By.ID, "track")).select_by_visible_text("vocals")
    assert visible(report, "caption")[0].text.startswith("vocals")
    assert console_errors(report) == []


def test_it_fits_a_phone(report):
    resize(report, PHONE)
    assert sideways_px(report) <= 0
    widths = "return [...document.querySelectorAll('[data-chart]')].map((one) => one.drawn)"
    wait_until(lambda: set(report.execute_script(widths)) == {min(page.WIDTHS_PX)}, "narrow charts", 60)
    resize(report, DESKTOP)


def test_in_a_real_browser_no_label_covers_another(browser, tmp_path):
    """The places are computed from the widths of letters; here the letters have been drawn."""
    from plotly.offline import get_plotlyjs

    figures = [
        quality_against_time([("now", rows)], MEASURES["si_sdr_db"], DARK, width_px=width_px)
        for rows in (separator_rows(), solver_rows())
        for width_px in (340, 640)
    ]
    drawing = "".join(
        f"<div id=f{index}></div><script>Plotly.newPlot('f{index}', {page.in_script(figure)})</script>"
        for index, figure in enumerate(figures)
    )
    html = f"<!doctype html><html><meta charset=utf-8><script>{get_plotlyjs()}</script>{drawing}"
    ready = "<script>document.documentElement.dataset.ready = 'yes'</script></html>"
    (tmp_path / "index.html").write_text(html + ready, "utf-8")
    open_page(browser, tmp_path)
    n_labels = sum(len(figure["layout"]["annotations"]) for figure in figures)
    wait_until(lambda: len(browser.execute_script(TEXTS)) == n_labels, "the labels", 60)
    boxes = browser.execute_script(TEXTS)
    assert n_labels >= 20
    for one, other in combinations(boxes, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)
