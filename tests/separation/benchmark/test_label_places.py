"""Labels of points: none covers another, a point or a line, and each is nearest to its own point."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from separation.benchmark.drawing.label_places import Box, placed, size_of, spread_out

PLOT = Box(left=0, top=0, right=500, bottom=280)
RADIUS_PX, FONT_PX = 6.0, 12.0
PLACE = st.tuples(st.floats(0, 500), st.floats(0, 280))


def label(points, texts, lines=(), taken=()):
    wanted = [(index, point, text) for index, (point, text) in enumerate(zip(points, texts, strict=True))]
    return placed(
        wanted, plot=PLOT, points=points, lines=lines, taken=taken, radius_px=RADIUS_PX, font_px=FONT_PX
    )  # fmt: skip


@settings(deadline=None)
@given(st.lists(PLACE, max_size=14), st.lists(st.sampled_from(["a", "SAM-Audio base", "midpoint 16"]), min_size=1))
def test_no_label_covers_anything(points, words):
    texts = [tuple(words[: 1 + index % 2]) for index in range(len(points))]
    line = sorted(points)
    labels = label(points, texts, [line])
    for one, other in combinations(labels, 2):
        assert not one.box.meets(other.box)
    for one in labels:
        assert PLOT.holds(one.box)
        assert not any(one.box.meets(Box.around(point, RADIUS_PX)) for point in points)
        assert not any(one.box.crossed_by(*segment) for segment in pairwise(line))
        own = one.box.distance(points[one.index])
        assert all(own < one.box.distance(other) for at, other in enumerate(points) if at != one.index)
        width, height = size_of(texts[one.index], FONT_PX)
        assert one.box.right - one.box.left >= width and one.box.bottom - one.box.top >= height


def test_points_with_room_around_them_are_all_labelled():
    points = [(60.0, 250.0), (150.0, 180.0), (260.0, 120.0), (400.0, 80.0)]
    assert {one.index for one in label(points, [("Demucs htdemucs",)] * 4, [points])} == {0, 1, 2, 3}


def test_a_label_without_a_place_is_left_out():
    crowd = [(250.0 + 3 * index, 140.0) for index in range(6)]
    assert len(label(crowd, [("a separator with a long name",)] * 6)) < 6


def test_a_line_that_only_passes_by_does_not_cross():
    box = Box(left=10, top=10, right=20, bottom=20)
    assert box.crossed_by((0, 0), (30, 30)) and box.crossed_by((12, 15), (13, 15))
    assert not box.crossed_by((0, 0), (30, 5)) and not box.crossed_by((0, 0), (9, 9))
    assert not box.crossed_by((0, 20), (30, 20))


@given(st.lists(st.floats(0, 100), max_size=8))
def test_values_are_moved_apart_within_their_limits_and_keep_their_order(values):
    moved = spread_out(values, 12, 0, 100)
    assert moved is not None
    assert all(-1e-6 <= one <= 100 + 1e-6 for one in moved)
    assert all(low + 12 <= high + 1e-6 for low, high in pairwise(sorted(moved)))
    assert sorted(range(len(values)), key=values.__getitem__) == sorted(range(len(values)), key=moved.__getitem__)


def test_there_is_no_way_to_move_too_many_apart():
    assert spread_out([1, 2, 3], 60, 0, 100) is None
