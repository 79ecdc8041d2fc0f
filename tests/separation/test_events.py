"""The events of a piece of work, and what it returns."""

from __future__ import annotations

import pytest

from separation.events import EventStream, StillRunning


def work(diary):
    try:
        for _ in range(3):
            diary.append("step")
            yield StillRunning()
        return "result"
    finally:
        diary.append("closed")


def test_a_stream_gives_every_event_and_then_the_result():
    stream = EventStream(work([]))
    assert list(stream) == [StillRunning()] * 3
    assert stream.result == "result"


def test_a_stream_does_no_work_before_it_is_read_and_none_after_it_is_closed():
    diary = []
    stream = EventStream(work(diary))
    assert diary == []
    for _ in stream:
        stream.close()
    assert diary == ["step", "closed"]


def test_what_the_work_raises_reaches_who_reads_it():
    def failing():
        yield StillRunning()
        raise ValueError("the reason")

    stream = EventStream(failing())
    with pytest.raises(ValueError, match="the reason"):
        list(stream)
    assert not hasattr(stream, "result")
