"""Only a part of a recording: the same samples as in the whole, kept as a recording of its own."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from separation import decode
from separation.audio import times
from separation.audio.convert import convert
from separation.audio.encode import encode
from separation.audio.part import WHOLE, Part
from separation.audio.waveform import Waveform
from separation.errors import AudioError, SettingsError
from separation.formatted import clock
from separation.request import Request
from separation.results import runs
from separation.results.kept import recording_of
from separation.results.runs import import_recording, separate_recording
from storage import ArtifactStore
from tests.separation.results.test_commands import typed
from tests.support import odd_files, run_fakes
from tests.support.fakes import result_of
from tests.support.terminal import audio_playground

RATE = odd_files.RATE
LONG = odd_files.tone(3 * RATE)
PARTS = [
    Part(start_s=0, end_s=1.5),
    Part(start_s=1.000_01, end_s=2.25),
    Part(start_s=2.5),
    Part(start_s=1.7, end_s=1.7001),
]


pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def store(folder):
    return ArtifactStore(folder / "home")


def samples(path):
    return decode(path).waveform.samples


def of(part, whole, rate=RATE):
    end_s = whole.shape[1] / rate if part.end_s is None else part.end_s
    return whole[:, round(part.start_s * rate) : round(end_s * rate)]


# Times


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1:30", 90), ("1:02:03.5", 3723.5), (".5", 0.5), ("0:00", 0), ("75:00", 4500), (" 1:05.25 ", 65.25)],
)
def test_a_time_is_seconds_or_minutes_and_seconds_or_hours(text, seconds):
    assert times.parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1:60", "1:60:00", "1:2:3:4", "1e3", "nan", "1,5", "1:", "٣"])
def test_what_is_no_time_is_refused_with_an_example(text):
    with pytest.raises(SettingsError, match=r"is not a time.*1:02:03\.5"):
        times.parse_time(text)


@given(st.floats(0, 1e6, allow_subnormal=False))
def test_a_time_that_was_written_is_read_as_the_same_number(seconds):
    assert times.parse_time(times.digits(seconds)) == seconds
    assert times.parse_time(clock(seconds, None)) == pytest.approx(seconds)


# Samples


@pytest.mark.parametrize("part", PARTS, ids=str)
@pytest.mark.parametrize("name", ["song.wav", "song.flac", "song.mp3", "song.m4a"])
def test_a_part_has_the_samples_that_the_whole_recording_has_there(folder, name, part):
    made = {"m4a": lambda: odd_files.muxed("ipod", "aac", samples=LONG)}
    extension = name.partition(".")[2]
    (folder / name).write_bytes(made.get(extension, lambda: odd_files.stored(extension.upper(), samples=LONG))())
    convert(folder / name, folder / "whole.wav")
    conversion = convert(folder / name, folder / "part.wav", part=part)
    heard, expected = samples(folder / "part.wav"), of(part, samples(folder / "whole.wav"))
    assert conversion.n_samples == heard.shape[1] > 0
    assert np.array_equal(heard, expected)


@given(st.data())
def test_a_cut_of_blocks_is_the_cut_of_their_sum(data):
    lengths = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=6))
    first = data.draw(st.integers(0, sum(lengths) - 1))
    stop = data.draw(st.integers(first + 1, sum(lengths)))
    whole = np.arange(sum(lengths), dtype=np.float32)[None]
    blocks = np.split(whole, np.cumsum(lengths)[:-1], axis=1)
    part = Part(start_s=first / 8, end_s=stop / 8)
    cut = list(part.cut(blocks, 8))
    assert all(block.shape[1] for block in cut)
    assert np.array_equal(np.concatenate(cut, axis=1), whole[:, first:stop])


def test_what_follows_the_part_is_not_decoded(folder, monkeypatch):
    (folder / "song.wav").write_bytes(odd_files.stored("WAV", samples=odd_files.tone(20 * RATE)))
    n_decoded = []
    usual = soundfile.SoundFile.read

    def counting(*args, **kwargs):
        n_decoded.append(len(read := usual(*args, **kwargs)))
        return read

    monkeypatch.setattr(soundfile.SoundFile, "read", counting)
    convert(folder / "song.wav", folder / "part.wav", part=Part(start_s=1, end_s=2))
    assert RATE <= sum(n_decoded) < 4 * RATE


def test_of_a_recording_above_192_khz_a_part_is_resampled(folder):
    # A tone: what the resampler does at the ends of the part stays at its ends.
    t = np.arange(3 * 384_000) / 384_000
    tone = np.stack([0.5 * np.sin(2 * np.pi * 440 * t)] * 2).astype(np.float32)
    encode(Waveform(tone, 384_000), folder / "fast.wav")
    convert(folder / "fast.wav", folder / "whole.wav")
    convert(folder / "fast.wav", folder / "part.wav", part=Part(start_s=1, end_s=2))
    whole, part = samples(folder / "whole.wav")[:, 48_000:96_000], samples(folder / "part.wav")
    assert part.shape == whole.shape
    assert np.abs(part - whole)[:, 480:-480].max() < 1e-5


def test_what_lies_outside_the_part_does_not_spoil_it(folder):
    odd = LONG.copy()
    odd[: 2 * RATE] = np.nan
    (folder / "odd.wav").write_bytes(odd_files.stored("WAV", "FLOAT", samples=odd))
    with pytest.raises(AudioError, match="no usable audio"):
        convert(folder / "odd.wav", folder / "whole.wav")
    assert convert(folder / "odd.wav", folder / "part.wav", part=Part(start_s=2)).warnings == ()


def test_a_silent_part_is_said_to_be_silent(folder):
    half_silent = np.concatenate([LONG, 0 * LONG])
    (folder / "song.wav").write_bytes(odd_files.stored("WAV", samples=half_silent))
    assert convert(folder / "song.wav", folder / "one.wav", part=Part(end_s=2)).warnings == ()
    (warning,) = convert(folder / "song.wav", folder / "two.wav", part=Part(start_s=3.5)).warnings
    assert warning == "This part of the recording is silent from start to end."


@pytest.mark.parametrize("part", [Part(start_s=3), Part(start_s=3, end_s=60), Part(start_s=1, end_s=1.000_001)])
def test_a_part_outside_the_recording_is_refused_with_its_length_and_nothing_is_written(folder, store, part):
    (folder / "song.wav").write_bytes(odd_files.stored("WAV", samples=LONG))
    with pytest.raises(SettingsError, match=r"There is no part .* The recording is 3 s long"):
        import_recording(folder / "song.wav", store, part=part)
    assert store.list() == []


@pytest.mark.parametrize("start_s", [0, 1.000_01])
@pytest.mark.parametrize("name", ["song.wav", "song.flac", "song.mp3"])
def test_a_part_that_ends_after_the_recording_ends_with_it_and_says_so(folder, name, start_s):
    (folder / name).write_bytes(odd_files.stored(name.partition(".")[2].upper(), samples=LONG))
    convert(folder / name, folder / "whole.wav")
    conversion = convert(folder / name, folder / "part.wav", part=Part(start_s=start_s, end_s=60))
    assert np.array_equal(samples(folder / "part.wav"), samples(folder / "whole.wav")[:, round(start_s * RATE) :])
    assert conversion.warnings == ("The recording ends at 3 s, before the 60 s that were asked for.",)


def test_an_end_that_seconds_were_rounded_for_is_not_worth_a_word(folder):
    encode(Waveform(np.ones((1, 10_001), np.float32), 44_100), folder / "song.wav")
    conversion = convert(folder / "song.wav", folder / "part.wav", part=Part(end_s=0.226785))
    assert (conversion.n_samples, conversion.warnings) == (10_001, ())


@given(first=st.integers(0, 999), n_after=st.integers(-999, 999))
def test_a_part_falls_short_exactly_if_it_ends_more_than_a_sample_after_the_recording(first, n_after):
    part = Part(start_s=first / 8, end_s=(1000 + n_after) / 8) if first < 1000 + n_after else Part(start_s=first / 8)
    n_taken = sum(block.shape[1] for block in part.cut([np.zeros((1, 1000), np.float32)], 8))
    assert bool(part.shortfall(n_taken, 8)) == (part.end_s is not None and n_after > 1)


def test_a_part_of_a_recording_that_is_too_long_is_taken_if_the_part_is_not(folder, store, monkeypatch):
    monkeypatch.setattr(runs, "MAX_DURATION_S", 2.0)
    (folder / "song.wav").write_bytes(odd_files.stored("WAV", samples=LONG))
    assert import_recording(folder / "song.wav", store, part=Part(start_s=1, end_s=2.5)).n_samples == 66_150
    with pytest.raises(AudioError, match="too long"):
        import_recording(folder / "song.wav", store, part=Part(end_s=2.5))


# Recordings


def test_a_part_is_a_recording_of_its_own_and_the_whole_keeps_its_key(folder, store):
    song = run_fakes.song(folder / "song.wav")
    part = Part(start_s=0.5, end_s=1.5)
    whole, kept = import_recording(song, store), import_recording(song, store, part=part)
    assert import_recording(song, store, part=WHOLE).key == whole.key
    assert import_recording(song, store, part=Part(start_s=0.5, end_s=1.5)).key == kept.key
    keys = {import_recording(song, store, part=Part(**span)).key for span in ({"start_s": 0.5}, {"end_s": 1.5})}
    assert len({whole.key, kept.key, *keys}) == 4
    assert kept.name == "song.wav, 0:00.5 to 0:01.5"
    assert store.get(kept.key).info["part"] == {"of": "song.wav", "start_s": 0.5, "end_s": 1.5}
    assert (kept.origin, kept.part, whole.origin, whole.part) == ("song.wav", part, "song.wav", WHOLE)
    assert np.array_equal(samples(kept.audio), of(part, samples(song), run_fakes.RATE))
    assert typed(store.get(kept.key).manifest.command)["start_time"] == 0.5


def test_whole_seconds_make_one_key_however_they_are_typed(folder, store):
    song = run_fakes.song(folder / "song.wav")
    assert (
        import_recording(song, store, part=Part(start_s=1)).key
        == import_recording(song, store, part=Part(start_s=1.0)).key
    )


def test_the_command_of_a_result_makes_it_again(folder, backend):
    run_fakes.song(folder / "a song.wav")
    words = ("--start-time", "0:00.25", "--end-time", 1.75, "-o", "stems", "--json")
    said = json.loads(audio_playground("extract", "auto", "a song.wav", "-p", "drums", *words).stdout)
    command = ArtifactStore(folder / "home").get(said["key"]).manifest.command
    params = typed(command.replace("extract fake", "extract demucs"))
    assert (params["source"].name, params["start_time"], params["end_time"]) == ("a song.wav", 0.25, 1.75)


def test_renaming_a_part_does_not_change_the_command_of_its_results(folder, store, backend):
    from separation.engine.engine import Inline

    recording = import_recording(run_fakes.song(folder / "song.wav"), store, part=Part(start_s=1))
    renamed = recording_of(store.amend(recording.key, replace(store.manifest(recording.key), name="the end")))
    result = result_of(separate_recording(renamed, Request.of("drums"), store, Inline()))
    assert "song.wav --start-time 1 " in store.manifest(result.key).command


# The terminal


@pytest.mark.parametrize("kind", ["auto", "builtin"])
def test_only_the_part_is_separated(folder, kind):
    song = samples(run_fakes.song(folder / "song.wav"))
    audio_playground(
        "extract", kind, "song.wav", "-p", "drums", "-o", "stems", "--start-time", 0.5, "--end-time", "0:01.5"
    )
    tracks = [samples(path) for path in (folder / "stems").iterdir()]
    expected = song[:, run_fakes.RATE // 2 : 3 * run_fakes.RATE // 2]
    assert np.allclose(sum(tracks), expected, atol=1e-5)


def test_in_a_batch_every_recording_is_cut_and_one_that_is_too_short_fails(folder, backend):
    (folder / "music").mkdir()
    run_fakes.song(folder / "music" / "long.wav", 2)
    run_fakes.song(folder / "music" / "short.wav", 0.4)
    words = ("batch", "music", "-p", "drums", "-o", "out", "--start-time", "0.5", "--json")
    said = json.loads(audio_playground(*words, status=6).stdout)
    assert samples(folder / "out" / "long" / "drums.wav").shape == (2, 12_000)
    (failure,) = said["failures"]
    assert (failure["file"], failure["error"]) == ("short.wav", "SettingsError")
    assert "0.4 s long" in failure["why"]


def test_in_a_batch_a_song_shorter_than_the_part_is_taken_to_its_end_with_a_note(folder, backend):
    (folder / "music").mkdir()
    run_fakes.song(folder / "music" / "long.wav", 2)
    run_fakes.song(folder / "music" / "short.wav", 0.4)
    said = audio_playground("batch", "music", "-p", "drums", "-o", "out", "--end-time", 1).output
    assert samples(folder / "out" / "long" / "drums.wav").shape == (2, run_fakes.RATE)
    assert samples(folder / "out" / "short" / "drums.wav").shape == (2, 0.4 * run_fakes.RATE)
    (note,) = [line for line in said.splitlines() if "ends at" in line]
    assert note == "note: The recording ends at 0.4 s, before the 1 s that were asked for."


@pytest.mark.parametrize(
    ("command", "written"),
    [
        (["extract", "auto", "song.wav", "-p", "drums", "-o", "out"], "out/drums.wav"),
        (["convert", "to-wav", "song.wav", "-o", "out.wav"], "out.wav"),
        (["chunk", "split", "song.wav", "--duration", 9, "-o", "out"], "out/song.000.wav"),
    ],
)
def test_a_command_and_a_step_take_a_song_shorter_than_the_part_to_its_end_with_a_note(
    folder, backend, command, written
):
    run_fakes.song(folder / "song.wav")
    note = "note: The recording ends at 2 s, before the 60 s that were asked for."
    assert note in audio_playground(*command, "--start-time", "0:01", "--end-time", "1:00").output
    assert samples(folder / written).shape == (2, run_fakes.RATE)
    name = " ".join(command[:2])
    options = "source: song.wav, start-time: 0:01, end-time: 1:00, out: again" + (".wav" if name[0] == "c" else "")
    options += ", prompt: drums" if name[0] == "e" else ""
    (folder / "w.yaml").write_text(f"steps:\n- {{name: cut, command: {name}, with: {{{options}}}}}\n")
    assert f"[1/1 cut] {note}" in audio_playground("run", "--config", "w.yaml").output


def test_converting_and_cutting_take_the_same_times(folder):
    song = samples(run_fakes.song(folder / "song.wav"))
    audio_playground("convert", "to-wav", "song.wav", "-o", "part.wav", "--start-time", "0:01")
    assert np.array_equal(samples(folder / "part.wav"), song[:, run_fakes.RATE :])
    audio_playground("chunk", "split", "song.wav", "--start-time", "0:01", "--duration", 1, "--overlap", 0, "-o", "cut")
    assert np.array_equal(samples(folder / "cut" / "song.000.wav"), song[:, run_fakes.RATE :])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--start-time", "1:75"], "is not a time"),
        (["--start-time", "3"], "The recording is 2 s long"),
        (["--start-time", "1", "--end-time", "0.5"], "ends after it starts"),
    ],
)
@pytest.mark.parametrize("command", [["extract", "auto", "song.wav", "-p", "drums"], ["convert", "to-wav", "song.wav"]])
def test_a_part_that_is_none_is_status_2_before_any_work(folder, backend, command, words, said):
    run_fakes.song(folder / "song.wav")
    assert said in audio_playground(*command, *words, status=2).stderr
    assert backend.n_loads == 0
    assert [path.name for path in folder.glob("*.wav")] == ["song.wav"]
