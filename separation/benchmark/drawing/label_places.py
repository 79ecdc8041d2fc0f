"""Finds places for the labels of points where they cover neither each other, nor points, nor lines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from unicodedata import east_asian_width

LINE_HEIGHT = 1.3  # plotly's, in font sizes
GAP_PX, FAR_PX = 7.0, 18.0  # between a point and its label: usually, and where there is no room for that
PADDING_PX = 2.0
# Where a label is, from its point: -1 left of it or above, 1 right of it or below.
ABOVE = ((-1.0, -1), (-0.5, -1), (0.0, -1), (0.5, -1), (1.0, -1))
BESIDE = ((1.0, 0), (-1.0, 0))
PLACES = (*ABOVE, *BESIDE, *((across, 1) for across, _ in reversed(ABOVE)))
Point = tuple[float, float]  # pixels, y downwards


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle in pixels, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two have a point in common."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def holds(self, other: Box) -> bool:
        """Whether the other lies in it."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom

    def crossed_by(self, start: Point, stop: Point) -> bool:
        """Whether a line from `start` to `stop` goes through it: Liang and Barsky's clipping leaves some of it."""
        first, last = 0.0, 1.0
        for from_, to, low, high in (
            (start[0], stop[0], self.left, self.right),
            (start[1], stop[1], self.top, self.bottom),
        ):
            if from_ == to:
                if not low < from_ < high:
                    return False
                continue
            enters, leaves = sorted(((low - from_) / (to - from_), (high - from_) / (to - from_)))
            first, last = max(first, enters), min(last, leaves)
        return first < last

    def distance(self, point: Point) -> float:
        """Return how far a point is from its edge; 0 in it."""
        x, y = point
        return math.hypot(max(self.left - x, x - self.right, 0), max(self.top - y, y - self.bottom, 0))

    @classmethod
    def around(cls, point: Point, radius_px: float) -> Box:
        """Return the square around a point."""
        x, y = point
        return cls(left=x - radius_px, top=y - radius_px, right=x + radius_px, bottom=y + radius_px)


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """A placed label.

    Attributes:
        index: of its point.
        lines: of its text.
        box: that it takes.
    """

    index: int
    lines: tuple[str, ...]
    box: Box

    @property
    def centre(self) -> Point:
        """The middle of its box."""
        return (self.box.left + self.box.right) / 2, (self.box.top + self.box.bottom) / 2


def placed(
    wanted: Sequence[tuple[int, Point, Sequence[str]]],
    *,
    plot: Box,
    points: Sequence[Point],
    lines: Sequence[Sequence[Point]] = (),
    taken: Sequence[Box] = (),
    radius_px: float,
    font_px: float,
) -> list[Label]:
    """Return the labels for which there is a place; the others are left out.

    Places are given to one after the other, in several orders, of which that with the most labels counts.

    Args:
        wanted: index, place and lines of text of the points to be labelled, the most important first.
        plot: all labels stay in it.
        points: all points, labelled or not.
        lines: corners of the lines that no label may cross.
        taken: further boxes that no label may cover.
        radius_px: of a point.
        font_px: size of the text.

    A label is nearer to its own point than to any other.
    """
    dots = [Box.around(point, radius_px) for point in points]
    segments = [segment for line in lines for segment in pairwise(line)]

    def fits(box: Box) -> bool:
        return (
            plot.holds(box)
            and not any(box.meets(other) for other in (*dots, *taken))
            and not any(box.crossed_by(*segment) for segment in segments)
        )

    def is_clear(box: Box, index: int) -> bool:
        own = box.distance(points[index])
        return all(own < box.distance(other) for at, other in enumerate(points) if at != index)

    free = {
        index: [box for box in _candidates(point, lines, radius_px, font_px) if fits(box) and is_clear(box, index)]
        for index, point, lines in wanted
    }
    texts = {index: tuple(lines) for index, _, lines in wanted}
    ranked = [index for index, _, _ in wanted]
    orders = (ranked, sorted(ranked, key=lambda index: len(free[index])), ranked[::-1])
    return max((_one_by_one(order, free, texts) for order in orders), key=len)


def width_of(text: str, font_px: float) -> float:
    """Return at most how wide a text is: the advances of DejaVu Sans, the widest of the usual fonts, rounded up."""
    return font_px * sum(map(_advance, text))


def size_of(lines: Sequence[str], font_px: float) -> tuple[float, float]:
    """Return the width and height of lines of text."""
    return max(width_of(line, font_px) for line in lines), len(lines) * LINE_HEIGHT * font_px


def clipped(text: str, n_most: int) -> str:
    """Return a text of at most so many characters."""
    return text if len(text) <= n_most else f"{text[: n_most - 1].rstrip()}…"


def spread_out(wanted: Sequence[float], step: float, low: float, high: float) -> list[float] | None:
    """Move values apart until neighbours are `step` from each other, in their order and between two limits.

    Returns:
        The moved values, in the order given; None if there is no room for them.
    """
    if step * (len(wanted) - 1) > high - low:
        return None
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    moved = [0.0] * len(wanted)
    floor = low
    for index in order:
        moved[index] = max(floor, wanted[index])
        floor = moved[index] + step
    ceiling = high
    for index in reversed(order):
        moved[index] = min(ceiling, moved[index])
        ceiling = moved[index] - step
    return moved


def _one_by_one(order: Sequence[int], free: dict[int, list[Box]], texts: dict[int, tuple[str, ...]]) -> list[Label]:
    labels: list[Label] = []
    for index in order:
        box = next((box for box in free[index] if not any(box.meets(label.box) for label in labels)), None)
        if box is not None:
            labels.append(Label(index=index, lines=texts[index], box=box))
    return labels


def _candidates(point: Point, lines: Sequence[str], radius_px: float, font_px: float) -> Iterator[Box]:
    """Yield boxes around a point, the usual places first: above, beside, below."""
    width, height = size_of(lines, font_px)
    width, height = width + 2 * PADDING_PX, height + 2 * PADDING_PX
    for gap in (GAP_PX, FAR_PX):
        away = radius_px + gap - PADDING_PX
        for across, down in PLACES:
            left = point[0] + (across - 1) * width / 2 + across * (radius_px if down else away)
            top = point[1] + (down - 1) * height / 2 + down * away
            yield Box(left=left, top=top, right=left + width, bottom=top + height)


def _advance(sign: str) -> float:
    """Return at most how wide a sign is, in font sizes."""
    if east_asian_width(sign) in "WF" or "\u024f" < sign < "\u2000":
        return 1.1
    if sign in "ijlI|.,:;'! ·":
        return 0.41
    if sign in 'ftr()[]{}-/\\"`':
        return 0.46
    if sign in "mwMW%@—…&+=<>~^_#":
        return 1.03
    return 0.85 if sign.isupper() else 0.69
