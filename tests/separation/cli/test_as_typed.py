"""Errors about settings name the options that were typed, not the fields that they fill."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from click.testing import CliRunner

from separation.cli.main import main
from separation.request import ChunkSettings, DemucsSettings, Request, SamSettings, SolverSettings
from tests.support import run_fakes

INNER = {
    field.name
    for settings in (ChunkSettings, DemucsSettings, Request, SamSettings, SolverSettings)
    for field in fields(settings)
    if "_" in field.name
}


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [
        ("extract sam-audio {song} -p x", "--chunk-duration", "0.1"),
        ("extract sam-audio {song} -p x", "--overlap-duration", "30"),
        ("extract sam-audio {song} -p x", "--max-chunks", "0"),
        ("extract sam-audio {song} -p x", "--solver-steps", "0"),
        ("extract sam-audio {song} -p x", "--seed", "-1"),
        ("extract demucs {song} -p drums", "--segment", "0.1"),
        ("extract demucs {song} -p drums", "--overlap", "0.9"),
        ("extract demucs {song} -p drums", "--shifts", "99"),
        ("extract builtin {song} -p drums", "--chunk-duration", "0.1"),
        ("extract builtin {song} -p drums", "--overlap-duration", "30"),
        ("chunk split {song}", "--duration", "0.1"),
        ("chunk split {song}", "--overlap", "9"),
        ("batch {folder} -p drums -o {folder}/out", "--seed", "-1"),
    ],
)
def test_a_setting_out_of_range_is_called_by_its_option(tmp_path, command, option, value):
    song = run_fakes.song(tmp_path / "song.wav")
    words = [*command.format(song=song, folder=tmp_path).split(), option, value]
    said = CliRunner().invoke(main, words)
    assert said.exit_code == 2, said.output
    assert f"{option} {float(value):g}" in said.stderr.replace(".0 ", " ") and "Choose " + option in said.stderr
    assert not [name for name in INNER if name in said.stderr]

    (line,) = CliRunner().invoke(main, [*words, "--json"]).stdout.splitlines()
    assert option in json.loads(line)["what"]


def test_a_recipe_has_the_names_that_are_written_in_it(tmp_path):
    song = run_fakes.song(tmp_path / "song.wav")
    (tmp_path / "recipe.yaml").write_text("prompts: [drums]\nbackend: builtin\nchunks: {chunk_s: 0.1}\n")
    said = CliRunner().invoke(main, ["extract", "recipe", str(song), str(tmp_path / "recipe.yaml")])
    assert said.exit_code == 2 and "chunk_s" in said.stderr and "--" not in said.stderr
