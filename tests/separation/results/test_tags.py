"""Tags and cover of a recording are carried into every file that is made from it, unless they are switched off."""

from __future__ import annotations

import json
from dataclasses import replace

import av
import numpy as np
import pytest
import soundfile

from separation import Request, decode
from separation.audio.encode import FORMATS, FloatWavWriter
from separation.audio.part import Part
from separation.audio.partial_file import PartialFile
from separation.engine.engine import Inline
from separation.export.tags import Tags, write_tags
from separation.results import runs
from separation.results.exported import FORMATS as EXTENSIONS
from separation.results.kept import recording_of, result_of
from separation.results.remade import remade
from separation.results.runs import import_recording, separate_recording
from storage import ArtifactStore
from tests.support import odd_files, run_fakes, tagged
from tests.support.damage import flip
from tests.support.terminal import audio_playground

ALL = tagged.SONG | tagged.MUSIC
SOURCES = ["flac", "mp3", "ogg", "m4a"]


@pytest.fixture
def song(folder):
    """A FLAC with tags."""
    return source(folder, "flac")


def source(folder, kind):
    made = odd_files.muxed("ipod", "aac") if kind == "m4a" else odd_files.stored(kind.upper())
    (folder / f"song.{kind}").write_bytes(made)
    return tagged.tag(folder / f"song.{kind}")


def samples(path):
    return decode(path).waveform.samples


def in_title(sound, **others):
    return ALL | {"title": f"{ALL['title']} ({sound})"} | others


# Into the files


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_carries_tags_and_cover_and_the_title_has_the_name_of_the_sound(song, folder, backend, format_):
    said = json.loads(
        audio_playground("extract", "auto", song, "-p", "drums", "-o", "out", "--format", format_, "--json").stdout
    )
    for name, path in said["tracks"].items():
        assert tagged.tags_of(folder / path) == (in_title(name), tagged.COVER)
        for private in ("/home/", str(folder), "song.flac", "replaygain"):
            assert private not in tagged.everything(folder / path)


@pytest.mark.parametrize("format_", FORMATS)
def test_tags_change_no_sample_and_can_be_switched_off(song, folder, backend, format_):
    words = ("extract", "auto", song, "-p", "drums", "--format", format_)
    audio_playground(*words, "-o", "with")
    audio_playground(*words, "-o", "without", "--no-tags")
    name = f"drums{EXTENSIONS[format_]}"
    assert tagged.tags_of(folder / "without" / name) == ({}, None)
    assert np.array_equal(samples(folder / "with" / name), samples(folder / "without" / name))
    assert decode(folder / "with" / name).warnings == decode(folder / "without" / name).warnings


def test_a_wav_has_them_as_info_and_as_id3(song, folder, backend):
    from mutagen.wave import WAVE

    audio_playground("extract", "auto", song, "-p", "drums", "-o", "out", "--format", "wav16")
    with soundfile.SoundFile(folder / "out" / "drums.wav") as file:
        info = {"title": file.title, "artist": file.artist, "album": file.album, "date": file.date}
    assert info == tagged.SONG | {"title": in_title("drums")["title"]}
    id3 = WAVE(folder / "out" / "drums.wav").tags
    assert (str(id3["TBPM"]), str(id3["TKEY"]), id3.getall("APIC")[0].data) == ("127", "F#m", tagged.COVER)


@pytest.mark.parametrize("n_samples", [4_999, 5_000])
@pytest.mark.parametrize("rf64_from_bytes", [1, 4_000_000_000])
def test_a_wav_of_any_length_and_size_can_be_read_behind_its_tags(tmp_path, rf64_from_bytes, n_samples):
    path, noise = tmp_path / "a.wav", np.random.default_rng(0).uniform(-1, 1, (1, n_samples)).astype(np.float32)
    with FloatWavWriter(path, 1, 44_100, rf64_from_bytes=rf64_from_bytes) as writer:
        writer.write(noise)
    write_tags(path, ".wav", Tags(title="odd", bpm="99"))
    read = decode(path)
    assert read.warnings == () and np.array_equal(read.waveform.samples, noise)
    size_at = 20 if rf64_from_bytes == 1 else 4
    assert int.from_bytes(path.read_bytes()[size_at : size_at + 4], "little") == path.stat().st_size - 8
    assert tagged.tags_of(path) == ({"title": "odd", "bpm": "99"}, None)


def test_tags_follow_an_odd_number_of_bytes(tmp_path):
    soundfile.write(tmp_path / "a.wav", odd_files.tone(4_999, 1), 44_100, "PCM_U8")
    write_tags(tmp_path / "a.wav", ".wav", Tags(title="odd"))
    assert soundfile.info(tmp_path / "a.wav").frames == 4_999 and decode(tmp_path / "a.wav").warnings == ()
    assert tagged.tags_of(tmp_path / "a.wav") == ({"title": "odd"}, None)


# From the source


@pytest.mark.parametrize("kind", SOURCES)
def test_tags_of_every_kind_of_file_are_kept_with_the_recording(folder, store, kind):
    recording = import_recording(source(folder, kind), store)
    assert recording.tags.texts == ALL
    assert recording.tags.cover.read_bytes() == tagged.COVER
    assert recording.warnings == ()
    part = import_recording(folder / f"song.{kind}", store, part=Part(end_s=0.5))
    assert part.tags.texts == ALL


def test_a_wav_passes_on_its_own_tags(folder, store):
    soundfile.write(folder / "plain.wav", odd_files.tone(), odd_files.RATE)
    assert not import_recording(folder / "plain.wav", store).tags
    with soundfile.SoundFile(folder / "info.wav", "w", odd_files.RATE, 2) as file:
        file.title, file.artist = "In a list", "Somebody"
        file.write(odd_files.tone())
    assert import_recording(folder / "info.wav", store).tags.texts == {"title": "In a list", "artist": "Somebody"}


def test_what_is_uploaded_keeps_its_tags_too(folder, store):
    path = source(folder, "mp3")
    arriving = PartialFile(folder / "upload", "upload.mp3", path.stat().st_size)
    arriving.write(path.read_bytes())
    arriving.finish()
    by_upload = import_recording(arriving, store)
    assert by_upload.tags.texts == ALL and by_upload.tags.cover.read_bytes() == tagged.COVER
    assert import_recording(path, store).key == by_upload.key


def test_tags_make_no_difference_to_the_key_of_a_recording_or_a_result(song, folder, store, monkeypatch):
    with_tags = import_recording(song, store).key
    monkeypatch.setattr("separation.results.decoding.read_tags", lambda *_: ({}, ()))
    assert import_recording(song, ArtifactStore(folder / "another")).key == with_tags


def test_a_recording_of_an_earlier_version_gets_its_tags_and_keeps_address_and_name(song, folder, store, monkeypatch):
    monkeypatch.setattr(runs, "DECODER_REVISION", runs.EARLIER_REVISION)
    old = import_recording(song, store)
    manifest = store.manifest(old.key)
    untagged = {name: value for name, value in manifest.info.items() if name != "tags"}
    store.amend(old.key, replace(manifest, name="My favourite", info=untagged))
    assert recording_of(store.get(old.key)).tags is None
    monkeypatch.undo()
    again = import_recording(song, store)
    assert (again.key, again.name, again.tags.texts) == (old.key, "My favourite", ALL)
    assert import_recording(song, store).key == old.key


def test_control_characters_and_endless_texts_do_not_come_through(folder, store):
    from mutagen.flac import FLAC

    (folder / "song.flac").write_bytes(odd_files.stored("FLAC"))
    file = FLAC(folder / "song.flac")
    file["title"], file["artist"], file["bpm"] = ["a\x1b[31m\nb"], ["x" * 100_000], ["\x07"]
    file.save()
    assert import_recording(folder / "song.flac", store).tags.texts == {"title": "a[31mb", "artist": "x" * 500}


def test_a_cover_that_players_do_not_know_is_left_out_and_it_is_said(folder, store):
    path = source(folder, "mp3")
    path.write_bytes(path.read_bytes().replace(tagged.COVER, b"GIF89a" + tagged.COVER[6:]))
    recording = import_recording(path, store)
    assert recording.tags.texts == ALL and recording.tags.cover is None
    assert any("cover is left out" in warning for warning in recording.warnings)


def test_a_recording_whose_cover_is_damaged_does_without(song, folder):
    store = ArtifactStore(folder / "home", remake=remade)
    recording = import_recording(song, store)
    flip(recording.tags.cover, 20)
    again = recording_of(store.check(recording.key))
    assert again.tags.texts == ALL and again.tags.cover is None


def test_a_result_has_the_tags_of_its_recording_and_does_without_a_damaged_cover(song, folder, backend):
    store = ArtifactStore(folder / "home", remake=remade)
    recording = import_recording(song, store)
    *_, kept = separate_recording(recording, Request.of("drums"), store, Inline())
    result = result_of(store.get(kept.key))
    assert result.tags.texts == recording.tags.texts == ALL
    assert result.tags.cover.read_bytes() == tagged.COVER and result.tags.cover != recording.tags.cover
    flip(result.tags.cover, 20)
    again = result_of(store.check(kept.key))
    assert again.tags.texts == ALL and again.tags.cover is None


def test_a_result_is_made_though_its_recording_and_the_cover_go_meanwhile(song, folder, store, backend):
    recording = import_recording(song, store)

    def gone() -> None:
        recording.tags.cover.unlink(missing_ok=True)

    backend.before_evaluation = gone
    *_, kept = separate_recording(recording, Request.of("drums"), store, Inline())
    assert result_of(store.get(kept.key)).tags.cover is None


def test_a_file_without_tags_gives_files_without(folder, backend):
    run_fakes.song(folder / "song.wav")
    audio_playground("extract", "auto", "song.wav", "-p", "drums", "-o", "out", "--format", "flac")
    assert tagged.tags_of(folder / "out" / "drums.flac") == ({}, None)


def test_without_a_title_the_sound_is_the_title(folder, backend):
    from mutagen.flac import FLAC

    (folder / "song.flac").write_bytes(odd_files.stored("FLAC"))
    file = FLAC(folder / "song.flac")
    file["artist"] = ["Somebody"]
    file.save()
    audio_playground("extract", "auto", "song.flac", "-p", "drums", "-o", "out", "--format", "flac")
    assert tagged.tags_of(folder / "out" / "drums.flac")[0] == {"artist": "Somebody", "title": "drums"}


# Other commands


@pytest.mark.parametrize("format_", ["wav32f", "wav16", "flac"])
def test_files_that_grow_are_tagged_at_their_end(song, folder, backend, format_):
    words = ("extract", "auto", song, "-p", "drums", "--format", format_, "--streaming")
    audio_playground(*words, "-o", "out")
    audio_playground(*words, "-o", "off", "--no-tags", "--no-cache")
    name = f"drums{EXTENSIONS[format_]}"
    assert tagged.tags_of(folder / "out" / name) == (in_title("drums"), tagged.COVER)
    assert tagged.tags_of(folder / "off" / name) == ({}, None)
    assert np.array_equal(samples(folder / "out" / name), samples(folder / "off" / name))


def test_a_batch_a_conversion_and_a_workflow_carry_them_too(song, folder, backend):
    (folder / "music").mkdir()
    song.rename(folder / "music" / "song.flac")
    audio_playground("batch", "music", "-p", "drums", "-o", "out", "--format", "ogg")
    assert tagged.tags_of(folder / "out" / "song" / "drums.ogg") == (in_title("drums"), tagged.COVER)
    audio_playground("convert", "to-wav", "music/song.flac", "-o", "song.wav")
    assert tagged.tags_of(folder / "song.wav") == (ALL, tagged.COVER)
    (folder / "w.yaml").write_text("""
steps:
- {name: a, command: convert to-wav, with: {source: music/song.flac, out: off.wav, no-tags: true}}
- {name: b, command: extract auto, with: {source: music/song.flac, prompt: drums, out: off, tags: false}}
- {name: c, command: batch, with: {dir: music, prompt: drums, out: off, no-tags: true}}
""")
    audio_playground("run", "--config", "w.yaml")
    for path in ("off.wav", "off/drums.wav", "off/song/drums.wav"):
        assert tagged.tags_of(folder / path) == ({}, None)


def test_a_file_whose_tags_make_ffmpeg_give_up_has_none(song, folder, store, monkeypatch):
    def give_up(file):
        raise av.error.ExternalError(1, "Generic error in an external library")  # derives from FFmpeg's root alone

    monkeypatch.setattr("separation.results.source_tags.open_container", give_up)
    assert import_recording(song, store).tags.texts == {}
