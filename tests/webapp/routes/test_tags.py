"""Downloads carry the tags of their recording."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest

from separation import Request
from separation.audio.encode import FORMATS
from separation.engine.engine import Inline
from separation.results.kept import result_of
from separation.results.runs import import_recording, separate_recording
from tests.support import odd_files, run_fakes, tagged

ALL = tagged.SONG | tagged.MUSIC


@pytest.fixture
def recording(store, tmp_path):
    (tmp_path / "song.flac").write_bytes(odd_files.stored("FLAC"))
    return import_recording(tagged.tag(tmp_path / "song.flac"), store)


@pytest.fixture
def result(store, recording, monkeypatch):
    run_fakes.install(monkeypatch)
    *_, kept = separate_recording(recording, Request.of("drums"), store, Inline())
    return result_of(store.get(kept.key))


@pytest.fixture
def downloaded(client, tmp_path):
    def tags(address, extension="wav"):
        answer = client.get(f"/media/{address}")
        assert answer.status_code == 200
        (tmp_path / f"got.{extension}").write_bytes(answer.content)
        return tagged.tags_of(tmp_path / f"got.{extension}")

    return tags


@pytest.mark.parametrize("format_", FORMATS)
def test_a_track_a_mix_and_the_recording_are_called_what_they_are(downloaded, result, recording, format_):
    title = ALL["title"]
    how, extension = f"format={format_}", FORMATS[format_].extension[1:]
    for address, called in (
        (f"{result.key}/0/file?{how}", f"{title} (drums)"),
        (f"{result.key}/mix?track=0&gain_db=0&{how}", f"{title} (mix)"),
        (f"{recording.key}/audio/file?{how}", title),
    ):
        assert downloaded(address, extension) == (ALL | {"title": called}, tagged.COVER)
        assert downloaded(f"{address}&tags=0", extension) == ({}, None)


def test_every_file_of_an_archive_has_its_own_title(client, result, tmp_path):
    for how, expected in (
        ("", [f"{ALL['title']} (drums)", f"{ALL['title']} (everything else)"]),
        ("&tags=0", [None] * 2),
    ):
        answer = client.get(f"/media/{result.key}/all.zip?format=flac{how}")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            paths = [archive.extract(name, tmp_path) for name in archive.namelist() if name.endswith(".flac")]
        assert [tagged.tags_of(path)[0].get("title") for path in paths] == expected


def test_a_result_keeps_the_tags_when_its_recording_is_gone(downloaded, store, result, recording):
    store.remove(recording.key)
    expected = (ALL | {"title": f"{ALL['title']} (drums)"}, tagged.COVER)
    assert downloaded(f"{result.key}/0/file") == expected
    assert downloaded(f"{result.key}/0/file?tags=0") == ({}, None)


def test_a_result_of_an_earlier_version_has_the_tags_of_its_recording(downloaded, store, result, recording):
    manifest = store.manifest(result.key)
    info = {name: value for name, value in manifest.info.items() if name != "tags"}
    store.amend(result.key, replace(manifest, info=info))
    assert downloaded(f"{result.key}/0/file")[0]["artist"] == ALL["artist"]
    store.remove(recording.key)
    assert downloaded(f"{result.key}/0/file") == ({}, None)


@pytest.mark.parametrize("kept", ["result", "recording"])
def test_an_archive_without_tags_has_none_in_its_manifest_either(client, request, kept):
    key = request.getfixturevalue(kept).key
    for how, there in (("", True), ("?tags=0", False)):
        answer = client.get(f"/media/{key}/all.zip{how}")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert (ALL["artist"] in archive.read("manifest.toml").decode()) == there
