"""What the terminal says before a run, and the report it writes after."""

from __future__ import annotations

import json

import pytest
import yaml

from separation.hardware import footprint
from storage import ArtifactStore, data_folder
from tests.support import run_fakes
from tests.support.terminal import audio_playground
from webapp.pages.queue.job_report import rows_of
from webapp.state.library.rows import facts_of


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def backend(home, monkeypatch):
    return run_fakes.install(monkeypatch)


@pytest.fixture
def song(home):
    return run_fakes.song(home / "song.wav", 6.0)


def extract(song, out, *more, status=0):
    return audio_playground("extract", "auto", song, "-p", "drums", "-o", out, *more, status=status).output


def test_a_report_is_written_beside_the_tracks(backend, song, home):
    shown = extract(song, home / "out", "--report", home / "reports" / "r.yaml")
    assert f"wrote {home / 'reports' / 'r.yaml'}" in shown
    report = yaml.safe_load((home / "reports" / "r.yaml").read_text("utf-8"))
    assert report["file"] == str(song)
    assert report["cached"] is False
    assert report["convert"]["total_s"] > 0
    assert report["chunks"]["computed"] == report["chunks"]["total"] > 10
    assert report["command_s"] >= report["total_s"]


def test_the_report_of_a_cached_result_says_so(backend, song, home):
    extract(song, home / "out")
    n_evaluations = backend.n_evaluations
    extract(song, home / "out", "--report", home / "r.yaml")
    report = yaml.safe_load((home / "r.yaml").read_text("utf-8"))
    assert report["cached"] is True and report["finished"] in report["note"]
    assert report["evaluations"] == n_evaluations == backend.n_evaluations


def test_a_report_that_cannot_be_written_is_refused_before_any_work(backend, song, home):
    shown = extract(song, home / "out", "--report", song / "r.yaml", status=2)
    assert "cannot hold the report" in shown
    assert backend.n_evaluations == 0


def test_before_a_run_it_is_said_what_it_will_take_and_where_that_comes_from(backend, song, home):
    assert "expected: unknown before the first run; not measured here yet" in extract(song, home / "out")
    shown = extract(song, home / "out", "--seed", "1")
    assert "from 1 run on this computer" in shown
    assert "expected" not in extract(song, home / "out", "--seed", "1")  # it is there already


def test_where_memory_will_not_do_the_next_smaller_setting_is_named_and_the_run_goes_on(
    backend, song, home, monkeypatch
):
    extract(song, home / "out")
    monkeypatch.setattr(footprint, "available_bytes", lambda: 1_000_000)
    shown = extract(song, home / "out", "--seed", "1")
    assert "note: Memory may run out: this takes about" in shown
    assert "Done," in shown


def test_the_quality_is_said_in_words_and_in_json(backend, song, home):
    shown = extract(song, home / "out")
    assert "estimated quality 0.0" in shown and "share 100 % of their sound" in shown
    found = json.loads(extract(song, home / "out", "--json").splitlines()[-1])
    assert found["quality"]["value"] < 0.05


def test_of_an_empty_track_no_quality_is_said_anywhere(backend, song, home):
    usual = backend.split
    backend.split = lambda samples, window: usual(samples, window) | {"drums": 0 * samples}
    shown = extract(song, home / "out", "--report", home / "run.yaml")
    assert "Done," in shown and "quality" not in shown
    assert json.loads(extract(song, home / "out", "--json").splitlines()[-1])["quality"] is None
    report = yaml.safe_load((home / "run.yaml").read_text("utf-8"))
    assert "quality" not in report
    assert "Quality, estimated" not in rows_of(report)
    (kept,) = ArtifactStore(data_folder()).list("result")
    assert not any("quality" in words for words in facts_of(kept.manifest).properties)
