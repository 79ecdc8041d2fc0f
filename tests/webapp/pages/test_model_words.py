"""What the Models page says of a model, for every way it can stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from separation.doctor.self_test import Passed
from separation.errors import BackendUnavailable
from separation.events import ModelLoading
from tests.webapp.state.test_downloads import entry
from webapp.pages.doctor.card import verdict_of
from webapp.pages.models.model_words import action_of, progress_of, state_of
from webapp.state.download import WINDOW_S, Download, DownloadState

ABSENT = entry("model", 5_100_000_000)
BEGUN = replace(ABSENT, partial_bytes=2_000_000_000)
DAMAGED = replace(BEGUN, damaged=("checkpoint.pt",))
HERE = replace(ABSENT, on_disk_bytes=5_100_000_000)


def download(state, arrived=0.0, seconds=0.0):
    """One in this state, whose bytes arrived evenly."""
    made = Download(ABSENT)
    made.state = state
    for step in range(11):
        made.note(ModelLoading(model="model", done_bytes=round(step / 10 * arrived), total_bytes=5_000_000_000))
        made.sample(step / 10 * seconds)
    return made


@pytest.mark.parametrize(
    ("known", "state", "pill", "action"),
    [
        (ABSENT, None, "Not here", "Download"),
        (replace(ABSENT, gated=True), None, "Not here", "Get access"),
        (BEGUN, None, "Begun", "Resume"),
        (HERE, None, "On this computer", ""),
        (DAMAGED, None, "Damaged", "Download again"),
        (DAMAGED, DownloadState.RUNNING, "Downloading", "Pause"),
        (ABSENT, DownloadState.WAITING, "Waiting", "Pause"),
        (BEGUN, DownloadState.RUNNING, "Downloading", "Pause"),
        (BEGUN, DownloadState.PAUSED, "Paused", "Resume"),
        (ABSENT, DownloadState.FAILED, "Failed", "Try again"),
        (HERE, DownloadState.FAILED, "Failed", ""),  # to be deleted
    ],
)
def test_each_state_has_a_word_and_one_thing_to_do(known, state, pill, action):
    under_way = state and download(state)
    assert state_of(known, under_way, removing=False)[0] == pill
    words, tip = action_of(known, under_way, has_token=False)
    assert words == action
    assert bool(tip) == bool(words)
    assert state_of(known, under_way, removing=True)[0] == "Removing"


def test_with_a_token_a_gated_model_can_be_fetched():
    assert action_of(replace(ABSENT, gated=True), None, has_token=True)[0] == "Download"


@pytest.mark.parametrize(
    ("known", "under_way", "words"),
    [
        (ABSENT, None, None),
        (HERE, None, None),
        (BEGUN, None, "2.00 GB of 5.10 GB is kept; it goes on from there"),
        (BEGUN, download(DownloadState.PAUSED, 1e9), "1.00 GB of 5.00 GB is kept; it goes on from there"),
        (ABSENT, download(DownloadState.WAITING), "0 kB of 5.00 GB · after the download before it"),
        (ABSENT, download(DownloadState.RUNNING), "0 kB of 5.00 GB · connecting"),
        (ABSENT, download(DownloadState.RUNNING, 1e9, 0.1), "1.00 GB of 5.00 GB · continuing"),
        (ABSENT, download(DownloadState.RUNNING, 1e9, WINDOW_S), "1.00 GB of 5.00 GB · 200.0 MB/s · 0:20 left"),
        (ABSENT, download(DownloadState.RUNNING, 0, WINDOW_S), "0 kB of 5.00 GB · nothing arrives, still trying"),
        (ABSENT, download(DownloadState.RUNNING, 5e9, WINDOW_S), "5.00 GB of 5.00 GB · checking what has arrived"),
    ],
)
def test_progress_is_told_in_bytes_rate_and_time(known, under_way, words):
    told = progress_of(known, under_way)
    assert (told and told[1]) == words
    assert told is None or 0 <= told[0] <= 1


def test_a_verdict_says_what_it_took_or_what_to_do():
    passed = Passed(
        products="",
        precision="",
        backend="demucs",
        model="htdemucs",
        device="cpu",
        seconds=3.0,
        load_s=1.0,
        work_s=0.5,
        peak_bytes=None,
    )
    assert (
        verdict_of(passed) == "htdemucs on the processor · loaded in 1.0 s · 4.0x faster than playback · 3.0 s in all"
    )
    assert "1.2 GB of memory" in verdict_of(replace(passed, peak_bytes=1_200_000_000))
    assert verdict_of(BackendUnavailable("It broke.", "It was glass.", "Buy a cup.")).endswith("Buy a cup.")
