"""Reports of a benchmark: the same figures in four files, with what was left out, marked or dropped."""

from __future__ import annotations

import csv
import html
import io
import json
import re

import pytest

from separation.benchmark import charts, report
from separation.benchmark.measures import MEASURES
from separation.benchmark.reporting import everything, markdown, page, spreadsheet
from separation.benchmark.reporting.facts import facts
from separation.benchmark.reporting.solver_table import solver_figures
from separation.benchmark.table import rows
from separation.errors import FileError
from tests.support.benchmark_made import MALICIOUS, made
from tests.support.benchmark_rows import row, solver_rows

SAID = (
    "A processor",
    "2026-11-30",
    "0:42 to 1:02",
    "Song 1",
    "rk4 cannot be combined with multi-diffusion.",
    "2 combinations",
    "1 measurement: other programs kept the computer busy, also when timed again, up to 3 times",
    "1 to 4 seconds in 4 measurements, because a track or a true sound is silent there",
    "It needs more memory.",
)


def table_of(benchmark, outcomes):
    return list(csv.DictReader(io.StringIO(spreadsheet.text(benchmark, outcomes))))


@pytest.mark.parametrize("made_text", [page.text, everything.text])
def test_a_report_says_all_there_is_to_know(made_text):
    text = made_text(*made())
    for words in SAID:
        assert words in text
    assert "&quot;" not in "".join(words for words in SAID)


def test_so_does_the_table_to_paste():
    text = markdown.text(*made()).replace("\\", "")
    for words in SAID:
        assert words in text


def test_facts_name_what_is_not_finished():
    benchmark, outcomes = made()
    outcomes.pop(next(iter(outcomes)))
    assert ("Not finished", "1 of 6 measurements") in [(one.name, one.text) for one in facts(benchmark, outcomes)]


def test_the_spreadsheet_has_a_line_for_each_setting_recording_and_track():
    benchmark, outcomes = made()
    lines = table_of(benchmark, outcomes)
    assert len(lines) == 3 * 2 * 2
    first = lines[0]
    assert (first["recording"], first["track"], first["separator"]) == ("Song 1", "drums", "Built-in separator")
    assert (first["si_sdr_db"], first["seconds"], first["times_s"]) == ("4.0", "1.0", "1 1.5")
    assert (first["busy"], lines[2]["busy"], first["times_apart"]) == ("yes", "no", "0.5")
    assert (first["processor"], first["torch"], first["made"]) == ("A processor", "2.13", "2026-11-30T08:00:00+00:00")
    assert lines[-1]["error"] == "It needs more memory. There are 2 GB. Close other programs."
    assert lines[-1]["seconds"] == lines[-1]["si_sdr_db"] == ""


def test_no_cell_of_the_spreadsheet_is_a_formula_and_numbers_below_zero_stay_numbers():
    lines = table_of(*made(song_name=MALICIOUS))
    assert {line["recording"][:2] for line in lines} == {"'="}
    assert lines[1]["si_sdr_db"] == "-1.0"
    assert [spreadsheet.cell(words) for words in ("+1", "-x", "@a", "\tb", "plain", -2.5)] == [
        "'+1", "'-x", "'@a", "'\tb", "plain", -2.5,
    ]  # fmt: skip


def test_the_json_holds_everything_and_can_be_read_again():
    benchmark, outcomes = made()
    values = json.loads(everything.text(benchmark, outcomes))
    assert everything.read(values) == (benchmark, outcomes)
    assert values["benchmark"]["grid"]["passage"] == {"start_s": 42, "length_s": 20}
    assert len(values["cells"][0]["timings"]) == 2 and values["measures"]["si_sdr_db"]["unit"] == "dB"


def test_the_table_to_paste_marks_the_frontier():
    text = markdown.text(*made(), "drums")
    assert "vocals" not in text.split("- Made")[0]
    settings = [line for line in text.splitlines() if line.startswith("| Built")]
    assert len(settings) == 3 and all(line.count("|") == settings[0].count("|") for line in settings)
    by_speed = [line.endswith("**best trade-off** |  |") for line in settings]
    assert by_speed[0] and "2.25 s ±25 %" not in settings[0] and "(busy)" in settings[0]
    assert "nothing else is both faster and better in SI-SDR" in text


def test_no_name_breaks_the_table_to_paste():
    text = markdown.text(*made(song_name=MALICIOUS))
    assert r"\</script\>\<script\>" in text and r"\|\`\*" in text


def test_no_name_becomes_part_of_the_page():
    text = page.text(*made(song_name=MALICIOUS))
    assert "<script>alert" not in text and "&lt;script&gt;alert" in text
    report_text = re.search(r'<script type="application/json" id="report">(.*?)</script>', text, re.DOTALL)[1]
    values = json.loads(report_text)
    assert values["tracks"] == ["drums", "vocals"]
    assert "<" not in report_text


def test_the_page_fetches_nothing():
    text = page.text(*made())
    own = text.replace(re.search(r"<script>/\*\*.*?</script>", text, re.DOTALL)[0], "")  # plotly.js names addresses
    assert not re.search(r'(?:src|href)=|url\(|@import|https?://(?!x")', own)
    assert "default-src 'none'" in html.unescape(own)


def test_the_page_has_a_table_of_each_track_and_charts_of_each_measure():
    benchmark, outcomes = made()
    text = page.text(benchmark, outcomes)
    assert text.count("<table>") == 2 and 'data-track="vocals"' in text and text.count('class="best"') >= 2
    figures = page.charts_of("A look", {"drums": rows(benchmark, outcomes, "drums")}, {})
    assert set(figures["quality"]["drums"]) == {"si_sdr_db", "sdr_db", "error_db"}
    assert set(figures["memory"]["drums"][""]) == set(page.WIDTHS_PX)
    assert set(figures["error"]["drums"]) == {""} and set(figures["songs"]["drums"]) == set(figures["quality"]["drums"])


def test_solvers_have_their_speed_relative_to_four_midpoint_steps():
    mine = [one if "rtf" not in one.values else _timed(one) for one in solver_rows()]
    figures = {(one.method, one.n_steps): one for one in solver_figures(mine)}
    assert len(figures) == 25 and figures["midpoint", 4].speed == 1
    assert figures["midpoint", 8].speed == pytest.approx(0.5) and figures["euler", 4].speed == pytest.approx(2)
    assert figures["euler", 4].error_db == pytest.approx(-18.04, abs=0.01)
    assert solver_figures([row("Built-in", ""), row("Demucs", "")]) == []


def _timed(one):
    return row(one.separator, one.words, solver=one.request.solver, **{**one.values, "seconds": one.values["nfe"]})


def test_all_files_are_written_and_an_earlier_report_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    benchmark, outcomes = made()
    assert {path.name for path in report.write(benchmark, outcomes, tmp_path)} == set(report.FILES)
    before = (tmp_path / "table.csv").read_text("utf-8")

    def broken(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "FILES", {**report.FILES, "benchmark.json": broken})
    with pytest.raises(KeyboardInterrupt):
        report.write(benchmark, {}, tmp_path)
    assert (tmp_path / "table.csv").read_text("utf-8") == before
    assert {path.name for path in tmp_path.iterdir()} == set(report.FILES)


def test_a_report_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "table.csv").mkdir()
    with pytest.raises(FileError, match=r"table\.csv"):
        report.write(*made(), tmp_path)


def test_the_page_follows_the_scheme_of_the_browser_and_replaces_every_colour():
    pairs = dict(page.css_colors())
    text = json.dumps(
        charts.quality_against_time([("now", [row("A", "", rtf=1.0, si_sdr_db=1.0)])], MEASURES["si_sdr_db"])
    )
    used = set(re.findall(r"#[0-9a-f]{6}", text))
    assert used and used <= set(pairs)
    assert set(pairs.values()) <= {*re.findall(r"#[0-9a-f]{6}", str(charts.LIGHT))}
