"""A benchmark as one HTML page that opens without a network: charts, tables that can be sorted, and all facts."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from separation.benchmark import charts
from separation.benchmark.benchmark import Benchmark
from separation.benchmark.measures import MEASURES, QUALITY
from separation.benchmark.reporting.facts import Outcomes, facts, measures_of
from separation.benchmark.reporting.shown_rows import BUSY, error_of, shown_rows
from separation.benchmark.reporting.solver_table import HEAD, cells, solver_figures
from separation.benchmark.table import SettingRow, rows, stems
from separation.formatted import counted

HERE = Path(__file__).parent
WIDTHS_PX = (640, 340)  # of charts; the page takes the widest that has room
CHARTS = {
    "quality": ("Quality against time", "the line joins the best trade-offs: nothing else is both better and faster"),
    "error": ("Error against evaluations", "the number is the order of the solver, the slope of its line"),
    "memory": ("Memory", "the most at any moment"),
    "songs": ("Each recording", "a point a recording, a line at the median"),
}
# Nothing is fetched, whatever a name in the page may hold.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def text(benchmark: Benchmark, outcomes: Outcomes) -> str:
    """Return the page."""
    from plotly.offline import get_plotlyjs  # 0.3 s to import

    tracks = stems(outcomes.values()) or ("",)
    tables = {track: rows(benchmark, outcomes, track) for track in tracks}
    songs = {song.key: song.name for song in benchmark.songs}
    report = {
        "tracks": tracks,
        "measures": {track: _measures(mine) for track, mine in tables.items()},
        "charts": charts_of(benchmark.name, tables, songs),
        "colors": css_colors(),
    }
    n_cells = len(benchmark.requests) * len(benchmark.songs)
    summary = f"{counted(len(benchmark.songs), 'recording')} · {len(outcomes)} of {counted(n_cells, 'measurement')}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{html.escape(POLICY)}">
<title>{html.escape(benchmark.name)}</title>
<style>
{(HERE / "page.css").read_text("utf-8")}</style>
</head>
<body>
<header>
<h1>{html.escape(benchmark.name)}</h1>
<p class="mute">{html.escape(summary)}</p>
<label hidden>Track <select id="track"></select></label>
<label hidden>Quality <select id="measure"></select></label>
</header>
<main>
<section class="charts">
{"".join(_card(id, *about) for id, about in CHARTS.items())}</section>
{"".join(_table(track, mine) for track, mine in tables.items())}
{"".join(_solver_table(track, mine) for track, mine in tables.items())}
<section class="card"><dl>
{"".join(f"<dt>{html.escape(one.name)}</dt><dd>{html.escape(one.text)}</dd>" for one in facts(benchmark, outcomes))}
</dl></section>
</main>
<script type="application/json" id="report">{in_script(report)}</script>
<script>{get_plotlyjs()}</script>
<script>
{(HERE / "page.js").read_text("utf-8")}</script>
</body>
</html>
"""


def in_script(values: Any) -> str:
    """Return values as JSON that cannot end the element it stands in."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _measures(mine: Sequence[SettingRow]) -> list[dict[str, str]]:
    return [{"id": id, "label": MEASURES[id].label} for id in measures_of(mine, QUALITY)]


def charts_of(name: str, tables: Mapping[str, Sequence[SettingRow]], songs: Mapping[str, str]) -> dict[str, Any]:
    """Return figures by kind, track, measure ("" where it makes no difference) and width; none that would be empty."""
    found: dict[str, dict[str, dict[str, dict[int, charts.Figure]]]] = {kind: {} for kind in CHARTS}
    for track, mine in tables.items():
        sets = [(name, mine)]
        has_errors = any("error_db" in row.values and "nfe" in row.values for row in mine)
        several = any(len(row.figures) > 1 for row in mine)
        for kind in CHARTS:
            found[kind][track] = {}
        for width_px in WIDTHS_PX:
            found["memory"][track].setdefault("", {})[width_px] = charts.memory_bars(sets, width_px=width_px)
            if has_errors:
                figure = charts.error_against_nfe(sets, width_px=width_px)
                found["error"][track].setdefault("", {})[width_px] = figure
            for id in measures_of(mine, QUALITY):
                figure = charts.quality_against_time(sets, MEASURES[id], width_px=width_px)
                found["quality"][track].setdefault(id, {})[width_px] = figure
                if several:
                    spread = charts.per_song_spread(sets, MEASURES[id], songs=songs, width_px=width_px)
                    found["songs"][track].setdefault(id, {})[width_px] = spread
    return found


def css_colors() -> list[tuple[str, str]]:
    """Return each colour of the dark look with that of the light one, for the page to replace."""
    pairs = dict[str, str]()
    for dark, light in zip(astuple(charts.DARK), astuple(charts.LIGHT), strict=True):
        each = zip(dark, light, strict=True) if isinstance(dark, tuple) else [(dark, light)]
        pairs |= {one: other for one, other in each if str(one).startswith("#")}
    return list(pairs.items())


def _card(id: str, title: str, about: str) -> str:
    return f"""<div class="card"><div><h2>{title}</h2><p class="mute">{about}</p>
<button type="button" data-save="{id}">Save picture</button></div>
<div data-chart="{id}" role="img" aria-label="{title}: {about}. The table has the figures."></div></div>
"""


def _table(track: str, mine: Sequence[SettingRow]) -> str:
    """Return the table of a track; without scripts all of them are seen."""
    shown = shown_rows(mine)
    failed = any(error_of(row) for row in mine)
    names = [
        ("Separator", ""),
        *([("Settings", "")] if shown.has_settings else []),
        *((MEASURES[id].label, MEASURES[id].meaning) for id in shown.ids),
    ]
    names += [("Failed", "")] if failed else []
    head = "".join(
        f'<th scope="col" title="{html.escape(about)}"><button type="button">{html.escape(name)}</button></th>'
        for name, about in names
    )
    lines = []
    for row, best, texts in zip(shown.rows, shown.on_frontier, shown.cells, strict=True):
        figures = "".join(_cell(row.values.get(id), words) for id, words in zip(shown.ids, texts, strict=True))
        error = f'<td class="words">{html.escape(error_of(row))}</td>' if failed else ""
        kind = ' class="best"' if best else ""
        words = f'<td class="words">{html.escape(row.words)}</td>' if shown.has_settings else ""
        lines.append(
            f'<tr data-setting="{html.escape(row.setting)}"{kind}><td class="words">{html.escape(row.separator)}</td>'
            f"{words}{figures}{error}</tr>"
        )
    by = f": marked rows are the best trade-offs of {MEASURES[shown.quality].label} and time" if shown.quality else ""
    return f"""<section class="card scroll" data-track="{html.escape(track)}"><table>
<caption>{html.escape(track or "Times")}<span class="mute">{html.escape(by)}</span></caption>
<thead><tr>{head}</tr></thead>
<tbody>
{chr(10).join(lines)}
</tbody></table></section>
"""


def _cell(value: float | None, words: str) -> str:
    data = "" if value is None else f' data-value="{float(value)!r}"'
    kind = ' class="busy"' if words.endswith(f"({BUSY})") else ""
    return f"<td{data}{kind}>{html.escape(words)}</td>"


def _solver_table(track: str, mine: Sequence[SettingRow]) -> str:
    figures = solver_figures(mine)
    if not figures:
        return ""
    head = "".join(f'<th scope="col"><button type="button">{name}</button></th>' for name in HEAD)
    lines = [f"<tr>{''.join(_cell(value, words) for value, words in cells(one))}</tr>" for one in figures]
    return f"""<section class="card scroll" data-track="{html.escape(track)}"><table>
<caption>Solvers<span class="mute">: the speed is relative to midpoint with 4 steps</span></caption>
<thead><tr>{head}</tr></thead>
<tbody>
{chr(10).join(lines)}
</tbody></table></section>
"""
