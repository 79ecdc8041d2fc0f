"""Recordings and results as values: made from manifests of this version and of older ones, and from damaged ones."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest

from separation.audio.part import WHOLE, Part
from separation.errors import SettingsError
from separation.events import AnchorsMapped, ChunkMeasured, Finished, Planned
from separation.metrics.quality_value import Bleed, Quality
from separation.request import Request
from separation.results.kept import (
    DamagedItem,
    KeptTrack,
    kept_of,
    recording_of,
    reports_of,
    result_info,
    result_of,
)
from separation.results.kept_chunks import chunk_info, chunk_of
from separation.results.runs import find_result, import_recording
from separation.results.store import NewItem
from tests.support import run_fakes
from tests.support.kept_values import CREATED, SOUND, item, result

RECORDING = {**SOUND, "warnings": ["It is mono in both channels."]}
QUALITY = Quality(
    value=0.6,
    tracks={"drums": 0.6, "bass": 0.7},
    bleed=(Bleed(tracks=("drums", "bass"), share=0.04),),
    explained_energy={"drums": 0.9, "bass": 0.8},
)
MEASURED = ChunkMeasured(index=0, stem="drums", explained_energy=0.9, gain_drift_db=None, gain_db=1.5)
MAPPED = AnchorsMapped(index=0, prompt="drums", spans_s=(("+", 0.5, 1.0), ("-", 1.5, 2.0)))


def recording_item(**info):
    return item("recording", "audio", "audio.peaks", info={**RECORDING, **info})


def result_item(**changed):
    """A result as this version stores it, after the way through JSON."""
    info = result_info(
        planned=Planned(model="large", device="cpu", stems=("drums", "bass"), spans_s=((0.0, 1.5), (1.0, 2.0))),
        finished=Finished(seconds=1.0, rtf=0.5),
        **SOUND,
        peak=1.25,
        measures=[MEASURED],
        anchors=[MAPPED],
        quality=QUALITY,
        warnings=["It may rain."],
        report={"total_s": 1.2},
    )
    return item(
        "result",
        *("0", "0.peaks", "1", "1.peaks"),
        inputs={"recording": "cd" * 32},
        config=Request.of("drums", "bass", backend="builtin", seed=7).to_dict(),
        info={**json.loads(json.dumps(info)), **changed},
    )


def without(kept, *names):
    """The same without some of what is stored of it."""
    info = {name: value for name, value in kept.manifest.info.items() if name not in names}
    return replace(kept, manifest=replace(kept.manifest, info=info))


# Recordings


def test_a_recording_says_what_is_stored_of_it():
    kept = recording_of(recording_item())
    assert (kept.key, kept.name, kept.created) == ("ab" * 32, "song.wav", CREATED)
    assert (kept.sample_rate, kept.n_channels, kept.n_samples, kept.duration_s) == (8000, 2, 16_000, 2.0)
    assert kept.warnings == ("It is mono in both channels.",)
    assert (kept.origin, kept.part, kept.video, kept.picture) == ("song.wav", WHOLE, None, None)
    assert (kept.audio, kept.peaks) == (Path("/kept/audio"), Path("/kept/audio.peaks"))
    assert kept.tracks == (KeptTrack(id="audio", name="song.wav", audio=kept.audio, peaks=kept.peaks),)
    assert kept.track("audio") == kept.tracks[0] and kept.track("video") is None and kept.track("audio.peaks") is None


def test_a_part_knows_what_it_was_cut_from():
    kept = recording_of(recording_item(part={"of": "concert.wav", "start_s": 1.0, "end_s": None}))
    assert (kept.origin, kept.part) == ("concert.wav", Part(start_s=1.0))


def test_a_recording_of_a_video_has_its_picture():
    info = {**RECORDING, "video": {"codec": "vp9", "start_s": -0.25}}
    kept = recording_of(item("recording", "audio", "audio.peaks", "video", info=info))
    assert (kept.picture.path, kept.picture.codec, kept.picture.start_s) == (Path("/kept/video"), "vp9", -0.25)
    assert kept.track("video") is None, "a picture is no sound"


def test_what_is_imported_is_the_value_of_what_the_store_has(store, tmp_path):
    made = import_recording(run_fakes.song(tmp_path / "song.wav"), store, part=Part(start_s=0.5))
    assert recording_of(store.get(made.key)) == made


# Results


def test_a_result_says_what_is_stored_of_it():
    kept = result_of(result_item())
    assert (kept.recording, kept.backend, kept.prompts) == ("cd" * 32, "builtin", ("drums", "bass"))
    assert (kept.sample_rate, kept.n_channels, kept.n_samples, kept.duration_s) == (8000, 2, 16_000, 2.0)
    assert (kept.model, kept.device, kept.seconds, kept.rtf, kept.peak) == ("large", "cpu", 1.2, 0.5, 1.25)
    assert kept.chunks_s == ((0.0, 1.5), (1.0, 2.0))
    assert (kept.measures, kept.anchors, kept.quality) == ((MEASURED,), (MAPPED,), QUALITY)
    assert (kept.warnings, kept.report) == (("It may rain.",), {"total_s": 1.2})
    assert kept.request == Request.of("drums", "bass", backend="builtin", seed=7)
    assert kept.track_names == ("drums", "bass")
    assert kept.track("1") == KeptTrack(id="1", name="bass", audio=Path("/kept/1"), peaks=Path("/kept/1.peaks"))
    assert kept.track("2") is None and kept.track("audio") is None


def test_what_older_versions_did_not_store_is_left_open():
    kept = result("drums")
    assert (kept.model, kept.device, kept.seconds, kept.rtf, kept.peak) == (None, None, 0.0, None, None)
    assert (kept.chunks_s, kept.measures, kept.anchors, kept.quality) == ((), (), (), None)
    assert (kept.warnings, kept.report, kept.recording) == ((), {}, "")


def test_a_quality_of_which_only_the_number_is_stored_is_read():
    assert result("drums", quality={"value": 0.71}).quality == Quality(
        value=0.71, tracks={}, bleed=(), explained_energy={}
    )
    assert result("drums", quality=None).quality is None


def test_settings_of_another_version_are_read_as_values_and_are_no_request():
    made = result_item()
    config = {**made.manifest.config, "sparkle": 9}
    kept = result_of(replace(made, manifest=replace(made.manifest, config=config)))
    assert (kept.settings["sparkle"], kept.backend, kept.prompts) == (9, "builtin", ("drums", "bass"))
    with pytest.raises(SettingsError, match="sparkle"):
        kept.request  # noqa: B018 - reading it is what fails


def test_reports_are_found_whatever_else_is_damaged():
    damaged = result_item(tracks=None, report={"total_s": 3.0})
    items = [result_item(), without(result_item(), "report"), damaged]
    assert list(reports_of(item.manifest for item in items)) == [
        {"total_s": 1.2},
        {"total_s": 3.0},
    ]


def test_each_kind_is_read_as_what_it_is():
    assert kept_of(recording_item()) == recording_of(recording_item())
    assert kept_of(result_item()) == result_of(result_item())


# Damage


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (without(recording_item(), "sample_rate"), "'sample_rate' is missing"),
        (recording_item(sample_rate=0), "is no sound"),
        (recording_item(n_samples="many"), "many"),
        (recording_item(part={"start_s": 3, "end_s": 2}), "part"),
        (recording_item(part={"begin": 3}), "begin"),
        (recording_item(video={"codec": "vp9"}), "'start_s' is missing"),
        (recording_item(warnings=None), "damaged"),
        (replace(recording_item(), files={"audio": Path("a")}), "'audio.peaks' is missing"),
        (result_item(), "kind “result”"),
    ],
)
def test_a_damaged_recording_is_an_error_that_says_which_and_what_to_do(damaged, said):
    with pytest.raises(DamagedItem) as caught:
        recording_of(damaged)
    assert caught.value.what == "The recording “song.wav” cannot be read."
    assert said in caught.value.why and "Remove it" in caught.value.todo


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (without(result_item(), "tracks"), "'tracks' is missing"),
        (without(result_item(), "n_channels"), "'n_channels' is missing"),
        (result_item(tracks=["drums", "bass", "more"]), "'2' is missing"),
        (result_item(chunks_s=[[0, 1, 2]]), "unpack"),
        (result_item(measures=[{"index": 0}]), "stem"),
        (result_item(anchors=[{"index": 0}]), "spans_s"),
        (result_item(quality={}), "'value' is missing"),
        (result_item(rtf="fast"), "fast"),
        (item("result", info=SOUND), "'tracks' is missing"),
        (item("result", info={**SOUND, "tracks": []}), "'backend' is missing"),
        (recording_item(), "kind “recording”"),
    ],
)
def test_a_damaged_result_is_an_error_that_says_which_and_what_to_do(damaged, said):
    with pytest.raises(DamagedItem) as caught:
        result_of(damaged)
    assert caught.value.what == "The result “song.wav” cannot be read."
    assert said in caught.value.why and "Remove it" in caught.value.todo


def test_a_damaged_recording_is_made_again_from_its_file(store, tmp_path):
    song = run_fakes.song(tmp_path / "song.wav")
    made = import_recording(song, store)
    kept = store.get(made.key)
    store.amend(made.key, without(kept, "n_samples").manifest)
    assert import_recording(song, store).n_samples == recording_of(store.get(made.key)).n_samples == made.n_samples


def test_a_damaged_result_counts_as_none(store, backend, recording):
    request = Request.of("drums")
    key = find_result(recording, request, store)[0]
    with store.scratch() as folder:
        (folder / "0").write_bytes(b"")
        new = NewItem(kind="result", name="drums", files={"0": folder / "0"}, info={"tracks": ["drums"]})
        store.put(key, new)
    assert find_result(recording, request, store)[3] is None


# Chunks


def test_a_chunk_says_what_lies_in_its_file():
    kept = chunk_of(item("chunk", "stems", info=chunk_info(["drums", "bass"], (2, 400))))
    assert (kept.stems, kept.shape, kept.samples) == (("drums", "bass"), (2, 400), Path("/kept/stems"))
    with pytest.raises(DamagedItem, match="'shape' is missing"):
        chunk_of(item("chunk", "stems", info={"stems": ["drums"]}))


# One place


OWN_FILES = ("separation/results/kept.py", "separation/results/kept_chunks.py")
LOOKED_INTO = {"info", "config"}


def looked_into(source):
    """Lines that take something by its name out of what is stored: `info[…]`, `x.info.get(…)`, `x.config[…]`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript):
            table = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            table = node.func.value
        else:
            continue
        stored = isinstance(table, ast.Attribute) and table.attr in LOOKED_INTO
        if stored or (isinstance(table, ast.Name) and table.id == "info"):
            yield node.lineno


@pytest.mark.parametrize(
    "planted",
    [
        'info["n_samples"]',
        'recording.info["n_samples"]',
        'result.info.get("report", {})',
        'info.get("quality")',
        'result.manifest.config["backend"]',
        'result.manifest.config.get("seed")',
    ],
)
def test_a_planted_look_at_what_is_stored_is_found(planted):
    assert list(looked_into(f"def f():\n    return {planted}\n")) == [2]
    assert list(looked_into("log.info('x'); table['info']; self.config.depth; kept.manifest.info")) == []


def test_nothing_else_looks_into_what_is_stored():
    root = Path(__file__).parents[3]
    files = [path for package in ("separation", "webapp") for path in (root / package).rglob("*.py")]
    found = {
        f"{path.relative_to(root).as_posix()}:{line}"
        for path in files
        for line in looked_into(path.read_text("utf-8"))
        if path.relative_to(root).as_posix() not in OWN_FILES
    }
    assert len(files) > 100 and found == set()
