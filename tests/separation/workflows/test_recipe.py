"""Recipes, and the YAML of recipes and workflows: every error names its line, and reading runs nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings

from separation import decode
from separation.errors import FileError, SettingsError
from separation.request import Anchor, ChunkSettings, DemucsSettings, Prompt, Request
from separation.workflows import recipe, yaml_lines
from tests.separation.results.test_commands import REQUESTS
from tests.support import run_fakes
from tests.support.terminal import audio_playground

pytestmark = pytest.mark.usefixtures("folder")


def refusal(folder, content, read=yaml_lines.read):
    """What is said of a file with this content."""
    path = folder / "file.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingsError) as caught:
        read(path)
    return str(caught.value).replace(str(folder), "")


def plain(folder, content):
    (folder / "file.yaml").write_text(content, "utf-8")
    return yaml_lines.read(folder / "file.yaml").plain


# YAML


def test_values_are_the_core_of_yaml_and_merge_keys_fill_what_is_left_open(folder):
    assert plain(folder, "a: [1, 2.5, x, true, null]\nb: 'no'\nc: 2024-01-31\nd: =\n") == {
        "a": [1, 2.5, "x", True, None], "b": "no", "c": "2024-01-31", "d": "=",
    }  # fmt: skip
    merged = plain(folder, "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}\nd: {<<: *a}\n")
    assert merged["c"] == {"x": 3, "y": 1, "z": 2}
    assert merged["d"] == merged["a"] == {"x": 1, "y": 1}


def test_values_know_their_lines_and_how_they_are_written(folder):
    (folder / "file.yaml").write_bytes(b"\xef\xbb\xbf# first\na:\n  - 1:30\n  -\n    b: 2\r\nc: |\n  x\n")
    document = yaml_lines.read(folder / "file.yaml")
    first, second = document.value["a"].value
    assert (first.text, first.line, second.line, document.value["c"].line) == ("1:30", 3, 5, 6)
    assert document.line_number(("a", 1, "b")) == 5
    assert document.line_number(("a", 7)) == document.line_number(("a",)) == 2, "the nearest there is"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        ("a: [1,\nb", "line 2: This is not YAML."),
        ("a:\n  b: c: d", "line 2: This is not YAML. Mapping values"),
        ("a: 1\nb: *c", "line 2: This is not YAML. Found undefined alias"),
        ("a: 1\n---\nb: 2", "line 2: This is not YAML."),
        ("a: 1\nb: 2\na: 3", "line 3: “a” is here twice. It is in line 1 already."),
        ("a: 1\n[b]: 2", "line 2: A name is a list or a table."),
        ("a: 1\nb: {<<: 3}", "line 2: “<<” brings in something that is no table."),
        ("a: 1\nb: !!int x", "line 2: “x” is no such value."),
        ("a: 1\nb: " + "9" * 5000, "is no such value."),
        ("a: \x01", "line 1: A character here is none that YAML takes."),
        (b"a: 1\nb: \xff", "line 2: This is not UTF-8 text."),
        ("a: &a [*a]", "There is too much here."),
        ("a: &a\n  <<: *a", "There is too much here."),
        ("[" * 1000, "There is too much here."),
        ("- 1\n" * 300_000, "At most 1 MB"),
    ],
)
def test_what_is_not_usable_yaml_is_refused_with_its_line(folder, content, said):
    assert said in refusal(folder, content)


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!!python/name:os.system", "!mine", "!!set"])
def test_tags_that_ask_for_objects_are_refused(folder, tag):
    assert "line 2: The tag " in refusal(folder, f"a: 1\nb: {tag} ['touch here']")
    assert [path.name for path in folder.iterdir()] == ["file.yaml"]


@pytest.mark.parametrize(
    "alias", ["[{0},{0},{0},{0},{0},{0},{0},{0},{0}]", "{{<<: [{0},{0},{0},{0},{0},{0},{0},{0}]}}"]
)
def test_aliases_of_aliases_do_not_fill_the_memory(folder, alias):
    lines = ["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {alias.format(f'*a{n - 1}')}" for n in range(1, 30))]
    assert "There is too much here." in refusal(folder, "\n".join(lines))


@pytest.mark.parametrize(
    "number", [":".join("1" * 3000), "0x" + "f" * 5000, "0b" + "1" * 20_000, ":".join("1" * 300) + ".5", "9" * 5000]
)
def test_a_number_with_more_digits_than_can_be_written_is_refused_however_it_is_written(folder, number):
    said = refusal(folder, f"a: 1\nb: {number}")
    assert "line 2: " in said
    assert "is no such value." in said
    assert len(said) < 300


@pytest.mark.parametrize("name", ["missing.yaml", ".", "a\0b"])
def test_what_is_no_file_is_said_so(folder, name):
    with pytest.raises(SettingsError, match="cannot be read"):
        yaml_lines.read(folder / name)


# Recipes


@settings(deadline=None, max_examples=60, derandomize=True)
@given(request=REQUESTS)
def test_a_recipe_that_was_written_is_read_as_the_same_request(tmp_path_factory, request):
    path = tmp_path_factory.getbasetemp() / "recipe.yaml"
    recipe.write(request, path)
    assert recipe.read(path) == request


@pytest.mark.parametrize("text", ["no", "1:30", "1e5", "~", "a: b", "# x", "'", "☃", "2024-01-31", "=", "<<", " x\n"])
def test_a_prompt_keeps_its_letters_whatever_they_mean_in_yaml(folder, text):
    request = Request.of(text, backend="demucs", demucs=DemucsSettings(folder="C:\\my models", segment_s=1e-5 + 4))
    recipe.write(request, folder / "recipe.yaml")
    assert recipe.read(folder / "recipe.yaml") == request


def test_a_recipe_may_be_short(folder):
    dog = "{text: dog, anchors: [{sign: +, start_s: 1, stop_s: 2.5}]}"
    (folder / "recipe.yaml").write_text(f"prompts: [drums, {dog}]\n")
    assert recipe.read(folder / "recipe.yaml") == Request(
        prompts=(Prompt(text="drums"), Prompt(text="dog", anchors=(Anchor(sign="+", start_s=1, stop_s=2.5),)))
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("prompts: [x]\nbackend: auto\nsolver:\n  grid: sway\n  method: eulr\n", "line 5: There is no solver “eulr”."),
        ("prompts: [x]\nchunks:\n  overlap_s: 1\n  chunk_s: 900\n", "line 4: chunk_s=900.0 is out of range."),
        ("prompts: [x]\nsam:\n  stereo: 5.1\n", "line 3: request.sam.stereo=5.1 has the wrong type."),
        ("prompts: [x]\nsam:\n  steroe: mono\n", "line 3: There is no setting “steroe” in request.sam."),
        (f"prompts: [x]\nseed: {':'.join('1' * 40)}\n", "line 2: seed=2"),
        ("prompts: [x]\nseed: 1.5\n", "line 2: request.seed=1.5 has the wrong type."),
        (
            "prompts:\n  - x\n  - no\n",
            "line 3: request.prompts[1] is neither words nor a table of settings. It is False. Words go in quotes",
        ),
        (
            "prompts: [808]\n",
            "line 1: request.prompts[0] is neither words nor a table of settings. It is 808. Words go in quotes",
        ),
        (
            "prompts: [{text: 808}]\n",
            "line 1: request.prompts[0].text=808 has the wrong type. It has to be of type str. Words go",
        ),
        ("prompts:\n  - x\n  - ' '\n", "line 3: A prompt is empty."),
        (
            "prompts:\n  - text: x\n    anchors:\n      - {sign: +, stop_s: 1}\n",
            "line 4: request.prompts[0].anchors[0]",
        ),
        (
            "prompts:\n  - text: x\n    anchors:\n      - {sign: /, start_s: 0, stop_s: 1}\n",
            "line 4: There is no anchor",
        ),
        ("backend: auto\nseed: 1\n", "line 1: request is not complete. It lacks prompts."),
        ("seed: 1\nprompts: [a, A]\n", "line 2: “a” was asked for twice."),
        ("seed: 1\nprompts: drums\n", "line 2: request.prompts is not a list."),
        ("just words\n", "line 1: request is not a table of settings."),
        ("prompts: [x]\nchunks:\n  chunk_s: 1" + "0" * 400 + "\n", "line 3: request.chunks.chunk_s is far too large."),
        ("prompts: [x]\nsam:\n  rerolls: [{chunk: 1, seed: 1}, {chunk: 1, seed: 2}]\n", "line 3: A chunk is re-rolled"),
        ("prompts: [x]\nsam:\n  chain: true\n  residual: model\n", "line 2: Chained prompts have no residuals"),
    ],
)
def test_what_makes_no_sense_in_a_recipe_is_said_with_its_line(folder, content, said):
    assert f"/file.yaml, {said}" in refusal(folder, content, recipe.read)


def test_a_recipe_appears_when_it_is_complete_or_not_at_all(folder):
    with pytest.raises(FileError, match="cannot be written"):
        recipe.write(Request.of("x"), folder / "missing" / "recipe.yaml")


# The terminal


def test_the_recipe_of_a_run_makes_the_same_result(folder, backend):
    run_fakes.song(folder / "song.wav")
    words = ("-p", "drums", "-p", "no vocals", "--seed", 7, "--save-recipe", "recipes/drums.yaml", "--json")
    first = json.loads(audio_playground("extract", "auto", "song.wav", *words).stdout)
    again = json.loads(
        audio_playground("extract", "recipe", "song.wav", "recipes/drums.yaml", "-o", "again", "--json").stdout
    )
    assert again["cached"] and again["key"] == first["key"]
    assert list(again["tracks"]) == ["drums", "no vocals", "everything else"]
    for track, file in again["tracks"].items():
        assert np.array_equal(
            decode(folder / file).waveform.samples, decode(folder / first["tracks"][track]).waveform.samples
        )


def test_a_recipe_of_settings_runs_with_them_and_a_device_given_beside_it_goes_first(folder, monkeypatch):
    from separation.cli.extracting import extract

    recipe.write(Request.of("drums", backend="builtin", chunks=ChunkSettings(chunk_s=7)), folder / "recipe.yaml")
    asked = []
    monkeypatch.setattr(extract, "run", lambda wanted, request, common: asked.append(request))
    audio_playground("extract", "recipe", "song.wav", "recipe.yaml")
    audio_playground("extract", "recipe", "song.wav", "recipe.yaml", "--device", "cpu")
    assert [request.device for request in asked] == ["auto", "cpu"]
    assert all(request.chunks.chunk_s == 7 for request in asked)


def test_a_recipe_cannot_have_models_loaded_from_a_folder_that_no_person_named(folder, monkeypatch):
    from separation.cli.extracting import extract

    request = Request.of("drums", backend="demucs", model="tiny", demucs=DemucsSettings(folder="./my models"))
    recipe.write(request, folder / "recipe.yaml")
    asked = []
    monkeypatch.setattr(extract, "run", lambda wanted, request, common: asked.append(request))
    said = audio_playground("extract", "recipe", "song.wav", "recipe.yaml", status=2).stderr
    assert "can run code" in said and "add --folder './my models'" in said and not asked
    audio_playground("extract", "recipe", "song.wav", "recipe.yaml", "--folder", "./my models")
    assert asked == [request]


def test_a_recipe_that_makes_no_sense_is_status_2(folder):
    (folder / "recipe.yaml").write_text("prompts: [drums]\nseed: none\n")
    result = audio_playground("extract", "recipe", "song.wav", "recipe.yaml", status=2)
    assert "recipe.yaml, line 2: " in result.stderr


def test_where_a_recipe_cannot_be_written_is_said_before_any_work(folder, backend):
    run_fakes.song(folder / "song.wav")
    (folder / "file").write_text("")
    words = ("extract", "auto", "song.wav", "-p", "drums", "--save-recipe", "file/recipe.yaml")
    assert "cannot hold the recipe" in audio_playground(*words, status=2).stderr
    assert backend.n_loads == 0


# Pasted ones


@example(request=Request.of("a\x85", "Gr\u00fc\u00dfe"))
@settings(deadline=None, max_examples=30)
@given(request=REQUESTS)
def test_a_pasted_recipe_is_the_request_it_was_copied_from(request):
    assert recipe.parse_recipe(recipe.written(request)) == request


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prompts: [drums]\nseed: -1\n", "The recipe, line 2: seed=-1 is out of range."),
        ("prompts: [drums\n", "The recipe, line"),
        ("x" * (10**6 + 1), "The recipe is too long."),
        ("", "The recipe is empty."),
    ],
)
def test_a_pasted_text_that_is_none_is_refused_with_its_line(text, said):
    with pytest.raises(SettingsError) as caught:
        recipe.parse_recipe(text)
    assert said in str(caught.value)
