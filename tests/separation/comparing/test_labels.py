"""What a test keeps of the settings that made its sides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from separation.comparing.labels import settings_of_side
from separation.request import DemucsSettings, Request
from tests.support.studio_values import a_recording, a_result

DEMUCS = Request.of("drums", backend="demucs", model="htdemucs", demucs=DemucsSettings(shifts=2))


def test_the_whole_request_of_a_result_is_kept_and_nothing_of_a_recording():
    kept = settings_of_side(replace(a_result(), settings=DEMUCS.to_dict()))
    assert Request.from_dict(kept) == DEMUCS
    assert settings_of_side(a_recording()) == {}


@pytest.mark.parametrize(
    "request_",
    [
        replace(DEMUCS, demucs=DemucsSettings(folder="mine")),
        Request.of("a dog", backend="sam_torch", model="/home/ann/models/sam"),
        Request.of("a dog", backend="sam_torch", model="C:\\models\\sam"),
    ],
)
def test_a_folder_of_this_computer_goes_into_no_export(request_):
    assert settings_of_side(replace(a_result(), settings=request_.to_dict())) == {}


def test_settings_of_another_version_are_not_kept():
    assert settings_of_side(replace(a_result(), settings={**DEMUCS.to_dict(), "magic": 1})) == {}
