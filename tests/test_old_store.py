"""What people kept with an earlier version is there: recordings, results, chunks, trash, pins, drafts, mixes, jobs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from separation import Anchor, Prompt, Request, SamSettings
from storage import ArtifactStore, Library
from storage.records import DraftTable, JobState, JobTable
from tests.support.terminal import audio_playground
from webapp.state.drafts import Drafts
from webapp.state.library.rows import facts_of
from webapp.state.mixers import Mixers

OLD = Path(__file__).parent / "golden/old_store"
RECORDING = "f9f75ab14644906a56fd02b3f805fee7b9a9db42d8a0c64149c3c44dfc1b3c20"
RESULT = "627c25bf8327153ede560037f8b44ebafa716a85096f4482d205b0b0d3f0ee71"
# Precision was never chosen for anybody when this store was made.
ASKED = Request.of("drums", backend="builtin-dsp", sam=SamSettings(precision="float32"))


@pytest.fixture
def home(folder: Path) -> Path:
    """A copy of the old data folder; the current folder holds the file that was separated then."""
    shutil.copy(OLD / "tone.wav", folder)
    return Path(shutil.copytree(OLD / "store", folder / "home"))


@pytest.fixture
def old(home: Path) -> Iterator[ArtifactStore]:
    store = ArtifactStore(home)
    yield store
    store.close()


def extracted(*more: str) -> dict[str, object]:
    """What the terminal says of the same request."""
    said = audio_playground("extract", "builtin-dsp", "tone.wav", "--prompt", "drums", "--json", *more).stdout
    answer: dict[str, object] = json.loads(said.splitlines()[-1])
    return answer


def test_the_fixture_is_small() -> None:
    assert sum(path.stat().st_size for path in OLD.rglob("*") if path.is_file()) <= 200_000


def test_a_recording_and_its_result_are_listed_and_can_be_heard(old: ArtifactStore) -> None:
    library = Library(old)
    (recording,) = library.recordings()
    (result,) = library.results(recording.key)
    assert (recording.key, recording.name, result.key, result.name) == (RECORDING, "tone.wav", RESULT, "drums")
    tone, rate = soundfile.read(OLD / "tone.wav", dtype="float32")
    heard, kept_rate = soundfile.read(recording.files["audio"], dtype="float32")
    assert kept_rate == rate and np.array_equal(heard, tone)
    tracks = [soundfile.read(result.files[name], dtype="float32")[0] for name in ("0", "1")]
    np.testing.assert_allclose(sum(tracks), tone, atol=1e-6)
    assert facts_of(recording.manifest).name == "tone.wav"
    assert facts_of(result.manifest).name == "drums"


def test_the_same_request_finds_its_result_and_computes_nothing(home: Path) -> None:
    answer = extracted()
    assert (answer["cached"], answer["key"]) == (True, RESULT)


def test_a_result_that_is_gone_is_made_of_its_kept_chunk_and_is_the_same_to_the_byte(
    home: Path, old: ArtifactStore
) -> None:
    kept = old.get(RESULT)
    assert kept is not None
    before = {name: path.read_bytes() for name, path in kept.files.items()}
    old.remove(RESULT)
    answer = extracted("--report", "report.yaml")
    assert (answer["cached"], answer["key"]) == (False, RESULT)
    chunks = yaml.safe_load(Path("report.yaml").read_text("utf-8"))["chunks"]
    assert (chunks["total"], chunks["computed"], chunks["from_store"]) == (1, 0, 1)
    again = old.get(RESULT)
    assert again is not None
    assert {name: path.read_bytes() for name, path in again.files.items()} == before


def test_what_was_pinned_is_pinned_and_what_was_thrown_away_can_be_brought_back(old: ArtifactStore) -> None:
    assert old.pinned(RESULT)
    assert not old.pinned(RECORDING)
    (thrown,) = old.list("recording", trashed=True)
    assert thrown.name == "click.wav"
    assert old.restore(thrown.key) == (thrown.key,)
    assert {recording.name for recording in Library(old).recordings()} == {"tone.wav", "click.wav"}


def test_drafts_and_mixes_are_where_they_were_left(home: Path) -> None:
    table = DraftTable(home)
    draft, mixer = Drafts(table).of(RECORDING), Mixers(table).of(RECORDING)
    table.close()
    assert draft is not None
    assert draft.prompts == (Prompt(text="drums", anchors=(Anchor(sign="+", start_s=0.01, stop_s=0.05),)),)
    assert draft.settings == ASKED
    assert mixer.result == RESULT
    assert mixer.saved["Softer"]["drums"]["gain_db"] == -6.0
    assert mixer.levels["mixture"]["muted"]


def test_jobs_are_remembered_and_what_was_unfinished_is_interrupted_not_lost(home: Path) -> None:
    jobs = JobTable(home)
    done, waiting = sorted(jobs.take_over(), key=lambda record: record.id)
    assert (done.state, done.result, done.log[0].text) == (JobState.DONE, RESULT, "Done.")
    assert waiting.state is JobState.INTERRUPTED
    assert Request.from_dict(waiting.request) == ASKED
    assert jobs.paused
    jobs.close()
