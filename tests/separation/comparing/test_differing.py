"""The settings in which results differ, and only they."""

from __future__ import annotations

from separation.comparing.differing import differing
from separation.request import ChunkSettings, Request

ONE = Request.of("drums", backend="demucs").to_dict()


def test_what_is_the_same_is_not_said():
    assert differing([ONE, ONE]) == ((), ())


def test_what_differs_is_said_on_each_side_in_the_words_of_the_setting():
    fine = Request.of("drums", backend="builtin", chunks=ChunkSettings(chunk_s=3, overlap_s=1)).to_dict()
    coarse = Request.of("drums", backend="builtin", chunks=ChunkSettings(chunk_s=9, overlap_s=1)).to_dict()
    assert differing([fine, coarse]) == (("chunk 3 s",), ("chunk 9 s",))
    assert differing([fine, coarse, fine]) == (("chunk 3 s",), ("chunk 9 s",), ("chunk 3 s",))


def test_each_is_said_with_its_unit_and_in_the_words_of_the_pages():
    speech = [{"model": "blend", "speech": {"attenuation_db": level}} for level in (12.0, None)]
    assert differing(speech) == (("strength 12 dB",), ())
    demucs = [{"model": model, "demucs": {"split": model == "a", "overlap_ratio": 0.25}} for model in "ab"]
    assert differing(demucs) == (("split on", "a"), ("split off", "b"))
    assert differing([{"sam": {"match_gain": True}}, {}]) == (("match gain on",), ())


def test_what_is_asked_for_and_who_does_it_and_where_are_no_settings():
    other = Request.of("bass", backend="builtin", device="cpu").to_dict()
    assert differing([ONE, other]) == ((), ())


def test_a_setting_that_one_side_does_not_have_is_said_of_the_other():
    assert differing([{"a": {"n_steps": 4}}, {}]) == (("steps 4",), ())
    assert differing([{"a": {"n_steps": 4}}, {"a": None}]) == (("steps 4",), ())
    assert differing([]) == ()


def test_chunks_done_anew_are_said_by_their_numbers():
    rerolled = {"sam": {"rerolls": [{"chunk": 1, "seed": 3}, {"chunk": 4, "seed": 9}]}}
    assert differing([rerolled, {"sam": {"rerolls": []}}]) == (("chunk 2, 5 re-rolled",), ())
