from __future__ import annotations

import json
import tomllib

import pytest

from storage import StorageError
from storage.manifest import Manifest, Output

MANIFEST = Manifest(
    kind="result",
    name="drums “of” é\n",
    created="2026-01-02T03:04:05+00:00",
    command="audio-playground extract auto 'a song.mp3' --prompt drums",
    version="0.1.0",
    inputs={"recording": "ab" * 32},
    config={"model": None, "chunks": {"chunk_s": 10.0, "segment_s": None}, "prompts": [{"text": "drums", "x": None}]},
    info={"warnings": ["clipped"], "rtf": 0.1},
    outputs={
        "0": Output(size_bytes=3, sha256="cd" * 32, entry="file:x"),
        "1": Output(size_bytes=4, sha256="", entry="y"),
    },
)


def test_a_manifest_comes_back_as_it_was_written():
    assert Manifest.from_json(MANIFEST.to_json()) == MANIFEST


def test_its_size_is_that_of_all_files_together():
    assert MANIFEST.size_bytes == 7


def test_the_toml_export_parses_and_leaves_out_what_was_left_open():
    exported = tomllib.loads(MANIFEST.to_toml())
    assert exported["name"] == MANIFEST.name
    assert exported["command"] == MANIFEST.command
    assert exported["inputs"] == {"recording": "ab" * 32}
    assert exported["config"] == {"chunks": {"chunk_s": 10.0}, "prompts": [{"text": "drums"}]}
    assert exported["outputs"]["0"]["sha256"] == "cd" * 32


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"kind": "result"}',
        json.dumps({**json.loads(MANIFEST.to_json()), "unknown": 1}),
        json.dumps({**json.loads(MANIFEST.to_json()), "outputs": {"0": {"size_bytes": 1}}}),
        json.dumps({**json.loads(MANIFEST.to_json()), "outputs": None}),
        json.dumps({**json.loads(MANIFEST.to_json()), "outputs": {"0": 3}}),
    ],
)
def test_a_damaged_manifest_is_a_storage_error_that_says_what_to_do(text):
    with pytest.raises(StorageError, match="damaged") as caught:
        Manifest.from_json(text)
    assert caught.value.todo
