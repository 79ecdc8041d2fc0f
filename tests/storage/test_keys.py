from __future__ import annotations

import hashlib

import pytest

from storage.keys import content_key, file_digest

PARTS = {"sha256": "ab" * 32, "gain": 0.1, "seed": 3, "prompts": ["drums", {"text": "bass"}], "model": None, "on": True}


@pytest.mark.parametrize(
    "changed",
    [
        {"sha256": "ab" * 31 + "ac"},
        {"gain": 0.1 + 2**-55},  # the neighbouring double
        {"seed": 4},
        {"prompts": [{"text": "bass"}, "drums"]},
        {"prompts": ["drums", {"text": "Bass"}]},
        {"model": "None"},
        {"model": ""},
        {"on": False},
        {"on": 1},
        {"added": None},
    ],
)
def test_any_changed_part_changes_the_key(changed):
    assert content_key("result", **{**PARTS, **changed}) != content_key("result", **PARTS)


def test_a_part_left_out_is_not_the_same_as_one_that_is_none():
    assert content_key("result", **{k: v for k, v in PARTS.items() if k != "model"}) != content_key("result", **PARTS)


def test_the_order_of_names_does_not_matter_at_any_depth():
    assert content_key("a", x=1, y={"p": 1, "q": 2}) == content_key("a", y={"q": 2, "p": 1}, x=1)


def test_floats_keep_all_their_digits():
    thirds = [1 / 3, 1 / 3 + 2**-54, 0.3333333333333333, 0.333333333333333]
    assert len({content_key("a", x=third) for third in thirds}) == 3  # the first and the third are one number


def test_equal_parts_of_different_kinds_have_different_keys():
    assert content_key("recording", x=1) != content_key("result", x=1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_numbers_that_equal_nothing_are_refused(value):
    with pytest.raises(ValueError, match="JSON"):
        content_key("result", x=value)


def test_what_is_not_plain_data_is_refused():
    with pytest.raises(TypeError):
        content_key("result", x=object())


def test_a_key_is_64_hexadecimal_digits_and_the_same_in_every_process():
    # Spelt out once: a change of the format would make every kept result unreachable.
    spelt = '["result",{"a":0.1,"b":[true,null,"\\u00e9"]}]'
    assert content_key("result", b=[True, None, "é"], a=0.1) == hashlib.sha256(spelt.encode()).hexdigest()


def test_a_file_has_the_digest_of_its_bytes(tmp_path):
    content = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(content)
    assert file_digest(tmp_path / "file") == hashlib.sha256(content).hexdigest()
