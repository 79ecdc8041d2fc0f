"""The charts of a benchmark: what they draw, say, and keep apart."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations, pairwise

import pytest

from separation.benchmark.charts import (
    DARK,
    LIGHT,
    error_against_nfe,
    memory_bars,
    per_song_spread,
    quality_against_time,
)
from separation.benchmark.drawing.label_places import Box, width_of
from separation.benchmark.measures import MEASURES
from separation.benchmark.table import Figures
from tests.support.benchmark_rows import row, separator_rows, solver_rows

SI_SDR, DISTANCE = MEASURES["si_sdr_db"], MEASURES["error_db"]


def traces(figure, mode=None):
    return [trace for trace in figure["data"] if mode is None or trace.get("mode") == mode]


def boxes(figure):
    """The boxes in pixels of the labels at points."""
    layout = figure["layout"]
    width = layout["width"] - layout["margin"]["l"] - layout["margin"]["r"]
    height = layout["height"] - layout["margin"]["t"] - layout["margin"]["b"]

    def at(axis, value):
        low, high = layout[axis]["range"]
        return (value - low) / (high - low)

    found = []
    for note in layout["annotations"]:
        lines = note["text"].split("<br>")
        half_x = max(width_of(line, note["font"]["size"]) for line in lines) / 2
        half_y = len(lines) * 1.3 * note["font"]["size"] / 2
        x = at("xaxis", note["x"]) * width + note["xshift"]
        y = (1 - at("yaxis", note["y"])) * height - note["yshift"]
        found.append(Box(left=x - half_x, right=x + half_x, top=y - half_y, bottom=y + half_y))
    return found, Box(left=0, top=0, right=width, bottom=height)


def with_songs(rows, n_songs=3):
    return [
        replace(
            one,
            figures=tuple(
                Figures(song=f"s{i}", result="", values={"si_sdr_db": one.values["si_sdr_db"] + i - 1}, error=None)
                for i in range(n_songs)
            ),
            n_songs=n_songs,
        )
        for one in rows
    ]


def test_the_frontier_is_a_line_in_the_accent_colour_and_other_points_are_grey():
    figure = quality_against_time([("now", separator_rows())], SI_SDR)
    (others,), (line,) = traces(figure, "markers"), traces(figure, "lines+markers")
    assert line["marker"]["color"] == DARK.accent and others["marker"]["color"] == DARK.mute
    assert line["x"] == sorted(line["x"]) and line["y"] == sorted(line["y"])
    assert [setting for setting, _ in others["customdata"]] == [
        "Demucs htdemucs_ft/shifts 1",
        "SAM-Audio large/method midpoint, steps 32",
    ]
    assert line["x"][0] == pytest.approx(0.03 * 60)  # seconds for a minute of audio
    assert figure["layout"]["xaxis"]["type"] == "log"
    assert figure["layout"]["xaxis"]["title"]["text"] == "seconds for a minute of audio, log"
    assert figure["layout"]["yaxis"]["title"]["text"] == "SI-SDR, dB"


@pytest.mark.parametrize("width_px", [320, 480, 640, 1200])
@pytest.mark.parametrize("rows", [separator_rows(), solver_rows()])
def test_labels_stay_in_the_plot_and_apart(rows, width_px):
    figure = quality_against_time([("now", rows), ("before", rows[::2])], SI_SDR, width_px=width_px)
    labels, plot = boxes(figure)
    assert labels
    assert not any(one.meets(other) for one, other in combinations(labels, 2))
    assert all(plot.holds(one) for one in labels)


def test_only_points_on_the_frontier_are_labelled_and_all_are_told_where_one_points():
    figure = quality_against_time([("now", separator_rows())], SI_SDR)
    texts = {note["text"] for note in figure["layout"]["annotations"]}
    assert "SAM-Audio small<br>ab2 16" in texts and "Demucs htdemucs" in texts
    assert not any("htdemucs_ft" in text for text in texts)
    told = "\n".join(text for trace in traces(figure) for text in trace["hovertext"])
    for words in (
        "Demucs htdemucs_ft",
        "SI-SDR 10.4 dB",
        "21 s for a minute of audio",
        "its times lie 30 % apart",
        "kept the computer busy",
    ):
        assert words in told


def test_the_spread_of_times_is_drawn_and_busy_points_have_a_rim():
    figure = quality_against_time([("now", separator_rows())], SI_SDR)
    (line,) = traces(figure, "lines+markers")
    index = [setting for setting, _ in line["customdata"]].index("Demucs htdemucs/")
    assert line["error_x"]["array"][index] == pytest.approx(0.12 * 60 * 0.3 / 2)
    assert line["marker"]["line"]["width"].count(2) == 1


def test_each_set_has_its_own_marker_line_and_number():
    figure = quality_against_time([("now", separator_rows()), ("last week", separator_rows())], SI_SDR)
    lines = traces(figure, "lines+markers")
    assert [line["meta"]["set"] for line in lines] == [0, 1]
    assert len({line["marker"]["symbol"] for line in lines}) == len({line["line"]["dash"] for line in lines}) == 2
    assert figure["layout"]["showlegend"] and lines[1]["name"] == "last week: best trade-offs"
    assert "last week" in lines[1]["hovertext"][0]


def test_of_distances_the_lowest_are_on_the_frontier_and_the_axis_says_so():
    figure = quality_against_time([("now", solver_rows())], DISTANCE)
    (line,) = traces(figure, "lines+markers")
    assert line["y"] == sorted(line["y"], reverse=True)
    assert figure["layout"]["yaxis"]["title"]["text"] == "Distance, dB (lower is better)"


def test_the_order_of_each_solver_stands_at_the_end_of_its_line():
    figure = error_against_nfe([("now", solver_rows(floor_db=-110))])
    assert {trace["name"].split()[0]: trace["name"].split()[1] for trace in traces(figure)} == {
        "euler": "1.0", "midpoint": "2.0", "heun": "2.0", "rk4": "4.0", "ab2": "2.3",
    }  # fmt: skip
    notes = figure["layout"]["annotations"]
    assert {note["text"] for note in notes} == {trace["name"] for trace in traces(figure)}
    height = figure["layout"]["height"] - figure["layout"]["margin"]["t"] - figure["layout"]["margin"]["b"]
    heights = sorted(note["y"] * height for note in notes)
    assert all(high - low >= 1.3 * DARK.font_px for low, high in pairwise(heights))
    room = figure["layout"]["margin"]["r"]
    assert all(18 + width_of(note["text"], DARK.font_px) <= room for note in notes)
    assert not figure["layout"]["showlegend"]


def test_where_there_is_no_room_for_names_at_the_ends_they_are_in_the_legend():
    rows = [one for name in ("One separator", "Another one") for one in solver_rows(name)]
    figure = error_against_nfe([("now", rows)], width_px=340)
    assert figure["layout"]["showlegend"] and not figure["layout"]["annotations"]
    same_method = [trace for trace in traces(figure) if "rk4" in trace["name"]]
    assert len({trace["line"]["color"] for trace in same_method}) == 1
    assert len({trace["line"]["dash"] for trace in same_method}) == 2


def test_in_a_narrow_chart_rows_keep_the_settings_that_set_them_apart():
    names = ("Built-in, classical methods", "Built-in separator")
    rows = [row(name, f"chunk {s} s", peak_bytes=1e8) for name in names for s in (5, 10, 20)]
    labels = memory_bars([("now", rows)], width_px=430)["layout"]["yaxis"]["ticktext"]
    assert len(set(labels)) == len(rows)
    assert all(label.endswith(one.words) for label, one in zip(labels, rows, strict=True)), labels
    assert all("…" in label for label in labels), "there is no room for all of it"


def test_memory_is_a_bar_for_each_setting_with_its_size():
    rows = [row("A", "", peak_bytes=2e9), row("B", "", peak_bytes=84e6, device_bytes=6.9e9), row("C", "", rtf=1.0)]
    figure = memory_bars([("now", rows)])
    by_name = {trace["name"]: trace for trace in traces(figure)}
    assert by_name["memory"]["text"] == ["2.0 GB", "84 MB"] and by_name["graphics memory"]["text"] == ["6.9 GB"]
    assert by_name["memory"]["customdata"] == [["A/", ""], ["B/", ""]]
    assert figure["layout"]["yaxis"]["ticktext"] == ["A", "B"]
    assert figure["layout"]["xaxis"]["title"]["text"] == "peak memory, GB"
    low, high = figure["layout"]["xaxis"]["range"]
    plot = figure["layout"]["width"] - figure["layout"]["margin"]["l"] - figure["layout"]["margin"]["r"]
    assert low == 0 and 6.9 / high * plot + width_of("6.9 GB", DARK.font_px) <= plot


def test_each_song_is_a_point_that_can_be_chosen_and_the_median_a_line():
    figure = per_song_spread([("now", with_songs(separator_rows()))], SI_SDR, songs={"s0": "First <song>"})
    (points,) = traces(figure, "markers")
    assert points["customdata"][0] == ["Built-in/", "s0"] and len(points["x"]) == 3 * len(separator_rows())
    assert "First &lt;song&gt;" in points["hovertext"][0]
    medians = traces(figure, "lines")[-1]
    assert medians["x"][0] == medians["x"][1] == pytest.approx(7.2)


def test_names_cannot_be_markup():
    rows = [row("<b>A</b>", "prompt <a href='x'>&amp;", setting="id", rtf=1.0, si_sdr_db=1.0, peak_bytes=1e9)]
    for figure in (
        quality_against_time([("<i>now</i>", rows), ("<i>then</i>", rows)], SI_SDR),
        memory_bars([("now", rows)]),
        per_song_spread([("now", with_songs(rows))], SI_SDR, songs={"s0": "<b>"}),
    ):
        text = json.dumps(figure)
        assert "<b>" not in text and "<a " not in text and "<i>" not in text and "&lt;b&gt;" in text


@pytest.mark.parametrize(
    "draw",
    [
        lambda sets: quality_against_time(sets, SI_SDR),
        error_against_nfe,
        memory_bars,
        lambda sets: per_song_spread(sets, SI_SDR),
    ],
)
def test_a_chart_without_points_says_why(draw):
    failed = row("A", "", figures=(Figures(song="s", result="", values={}, error=("It broke.", "", "")),))
    for rows, why in (
        ([], "Nothing is measured yet."),
        ([row("A", "", rtf=1.0)], "No finished setting has"),
        ([failed], "All that was tried has failed: It broke."),
    ):
        figure = draw([("now", rows)])
        (note,) = figure["layout"]["annotations"]
        assert not figure["data"] and why in note["text"].replace("<br>", " ")


def test_figures_are_json_and_one_point_is_enough():
    for rows in ([row("A", "", rtf=0.5, si_sdr_db=0.0, peak_bytes=0, nfe=4, error_db=-3.0)], separator_rows()):
        for figure in (
            quality_against_time([("now", rows)], SI_SDR, LIGHT),
            error_against_nfe([("now", rows)], LIGHT),
            memory_bars([("now", rows)], LIGHT),
            per_song_spread([("now", with_songs(rows))], SI_SDR, LIGHT),
        ):
            json.dumps(figure, allow_nan=False)
            assert figure["layout"]["paper_bgcolor"] == LIGHT.ground
