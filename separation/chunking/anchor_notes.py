"""Sentences on anchors that do not do what somebody may expect: those that mark nothing, and those that contradict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from separation.chunking.anchors import first_frame, frame_spans
from separation.prompts import anchor_text
from separation.request import Anchor, Prompt


def notes(
    prompts: Iterable[Prompt], n_samples: int, *, sample_rate: int, frame: int, begins_s: float = 0.0
) -> Iterator[str]:
    """Yield a sentence on each prompt's spans that mark nothing, and on every two that contradict each other.

    Args:
        prompts: with spans in seconds of what is separated.
        n_samples: of what is separated.
        sample_rate: Hz, of the model.
        frame: samples of its latent frame.
        begins_s: where it begins in the recording, from whose start people count.
    """
    for prompt in prompts:
        who = f"“{prompt.text.strip()}”: "
        behind, short = _marking_nothing(prompt.anchors, n_samples, sample_rate, frame)
        length = f"which is {n_samples / sample_rate:.6g} s long"
        if begins_s:
            length = f"which ends at {begins_s + n_samples / sample_rate:.6g} s"
        if behind:
            yield f"{who}{_lost(behind, begins_s)} Nothing of what is separated, {length}, lies there."
        if short:
            yield (
                f"{who}{_lost(short, begins_s)} What is separated, {length}, is heard in frames of "
                f"{1000 * frame / sample_rate:g} ms, and none begins there."
            )
        for one, later in combinations(prompt.anchors, 2):
            if (common := _common(one, later, n_samples, sample_rate, frame)) and one.sign != later.sign:
                start_s, stop_s = (begins_s + at * frame / sample_rate for at in common)
                first, second = (anchor_text.written([_from(anchor, begins_s)]) for anchor in (one, later))
                yield (
                    f"{who}{first} and {second} contradict each other from {start_s:.6g} to {stop_s:.6g} s, where the "
                    f"later one, {second}, is taken."
                )


def in_part(prompts: Sequence[Prompt], begins_s: float) -> tuple[tuple[Prompt, ...], tuple[str, ...]]:
    """Return prompts with their spans counted from a part's start, and a sentence on those that end before it.

    Those stay as spans of no length, so that a prompt that had a + span still has one.
    """
    lost = [
        f"“{prompt.text.strip()}”: {_lost(before, 0)} The part that is separated begins at {begins_s:.6g} s."
        for prompt in prompts
        if (before := [anchor for anchor in prompt.anchors if anchor.stop_s <= begins_s])
    ]
    return tuple(_moved(prompt, -begins_s) for prompt in prompts), tuple(lost) if begins_s else ()


def in_recording(prompts: Sequence[Prompt], begins_s: float) -> tuple[Prompt, ...]:
    """Return prompts whose spans are counted from a part's start with spans counted from the recording's."""
    return tuple(_moved(prompt, begins_s) for prompt in prompts)


def _marking_nothing(
    anchors: Iterable[Anchor], n_samples: int, sample_rate: int, frame: int
) -> tuple[list[Anchor], list[Anchor]]:
    """Return the anchors that begin behind the end, and those that are too short for a frame to begin in them."""
    n_frames = -(-n_samples // frame)
    lost = [anchor for anchor in anchors if not frame_spans((anchor,), 0, n_frames, sample_rate, frame)]
    behind = [anchor for anchor in lost if anchor.start_s * sample_rate >= n_samples]
    # A span of no length at the very start is one that a part left behind, of which its user knows.
    return behind, [anchor for anchor in lost if anchor not in behind and anchor.stop_s > 0]


def _common(one: Anchor, other: Anchor, n_samples: int, sample_rate: int, frame: int) -> tuple[int, int] | None:
    """Return the first frame that both mark, and the one behind the last."""
    first = max(first_frame(anchor.start_s, sample_rate, frame) for anchor in (one, other))
    stop = min(first_frame(anchor.stop_s, sample_rate, frame) for anchor in (one, other))
    stop = min(stop, -(-n_samples // frame))
    return (first, stop) if first < stop else None


def _lost(anchors: Sequence[Anchor], begins_s: float) -> str:
    first = anchor_text.written([_from(anchors[0], begins_s)])
    if len(anchors) == 1:
        return f"the span {first} marks nothing."
    return f"{len(anchors)} spans, {first} the first of them, mark nothing."


def _from(anchor: Anchor, begins_s: float) -> Anchor:
    # Moving there and back leaves digits that nobody typed.
    start_s, stop_s = (round(max(0.0, at + begins_s), 6) for at in (anchor.start_s, anchor.stop_s))
    return replace(anchor, start_s=start_s, stop_s=stop_s)


def _moved(prompt: Prompt, by_s: float) -> Prompt:
    if not by_s:
        return prompt
    return replace(prompt, anchors=tuple(_from(anchor, by_s) for anchor in prompt.anchors))
