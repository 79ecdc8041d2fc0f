"""Sizes, limits and defaults in the documents are those of the program."""

from __future__ import annotations

import math
import re
from pathlib import Path

import click
import pytest

from assets.demo_recording import load_demo
from benchmarks.bench_builtin import REFERENCE_OF, by_network
from separation.backends import demucs, sam_family, sam_torch
from separation.backends.builtin import WEIGHTS
from separation.cli.main import main
from separation.export.level import RESCALE
from separation.metrics import presence, presence_value
from separation.metrics.reference import si_sdr
from separation.models.builtin.weights import read_network
from separation.models.classical.classical import separate_classical
from separation.models.sam_audio import sources, text_encoder
from separation.request import ChunkSettings, SamSettings, SolverSettings
from separation.solvers import nfe
from storage.artifacts import DEFAULT_LIMIT_BYTES
from storage.eviction import REPLACED_STAYS_S, TRASH_STAYS_S
from tests.support.terminal import audio_playground

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = {path.stem: path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md")}


def figures(pattern: str, text: str) -> tuple[float, ...]:
    found = re.findall(pattern, " ".join(text.split()))
    assert len(found) == 1, f"{pattern!r} is there {len(found)} times"
    return tuple(map(float, found[0] if isinstance(found[0], tuple) else found))


def leaf(*words: str) -> click.Command:
    """A command of the terminal."""
    command: click.Command = main
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    return command


def default(option: str, *words: str) -> object:
    return next(param.default for param in leaf(*words).params if option in param.opts)


def test_the_sizes_of_models_are_those_of_the_catalogue() -> None:
    low, high = figures(r"(\d+) to (\d+) MB a model", README)
    assert low == min(demucs.SIZES_MB.values()) and high == pytest.approx(max(demucs.SIZES_MB.values()), rel=0.02)
    low, high = figures(r"(\d+) to (\d+) GB a model", README)
    meta, copies = (sources.PUBLISHERS[name].sizes_gb.values() for name in ("facebook", "audioghostai"))
    assert (low, high) == (round(min(meta)), round(max(meta)))
    parts_gb = sources.CODEC_BYTES / 1e9 + text_encoder.SIZE_GB
    low, high = figures(r"(\S+) to (\S+) GB without an account", README)
    assert (low, high) == (round(min(copies) + parts_gb, 1), round(max(copies) + parts_gb, 1))
    assert figures(r"come with the program \((\d+) MB\)", README) == (round(WEIGHTS.stat().st_size / 1e6),)
    assert figures(r"the codec \((\S+) GB\)", DOCUMENTS["sam-audio"]) == (round(sources.CODEC_BYTES / 1e9, 1),)
    assert figures(r"T5-base, (\S+) GB", DOCUMENTS["sam-audio"]) == (text_encoder.SIZE_GB,)


def test_what_is_kept_has_the_limit_that_is_stated_and_goes_when_it_is_stated() -> None:
    (limit_gb,) = figures(r"up to (\d+) GB \(`--cache-limit-gb`\)", README)
    assert limit_gb * 1e9 == DEFAULT_LIMIT_BYTES
    for words in (("serve",), ("cache", "clean")):
        (option,) = (param for param in leaf(*words).params if "--cache-limit-gb" in param.opts)
        assert isinstance(option, click.Option) and str(option.show_default).startswith(f"{limit_gb:.0f}, or")
    (days,) = figures(r"can be restored for (\d+) days", README)
    assert days * 24 * 3600 == TRASH_STAYS_S
    assert "Replaced files stay for an hour" in DOCUMENTS["architecture"] and REPLACED_STAYS_S == 3600


def test_the_presets_of_sam_audio_take_the_evaluations_that_are_stated() -> None:
    for name, preset in sam_family.PRESETS.items():
        solver = preset["solver"]
        stated = re.search(rf"{name}: (\w+), NFE (\d+)", DOCUMENTS["sam-audio"])
        assert stated is not None
        assert (stated[1], int(stated[2])) == (solver.method, nfe(solver.method, solver.n_steps))


def test_when_a_track_is_called_empty_is_as_it_is_stated() -> None:
    text = DOCUMENTS["sam-audio"]
    assert figures(r"nowhere louder than (\d+) dB below", text) == (pytest.approx(-10 * math.log10(presence.FLOOR)),)
    assert figures(r"less than (\S+) of the amplitude of the bins", text) == (presence.DOMINANT,)
    assert figures(r"What sounds in less than (\S+) of it", text) == (presence_value.RARE,)
    assert "at most four places" in " ".join(text.split()) and presence_value.FEW == 4


def rows_of(table_head: str, text: str) -> dict[str, list[str]]:
    """The cells of a table whose head begins so, by the first cell of each row."""
    table = text[text.index(table_head) :].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table]
    return {first: rest for first, *rest in cells}


def test_the_quality_on_held_out_mixtures_is_that_of_the_model_card() -> None:
    card = rows_of("| | mean |", (ROOT / "assets/builtin/MODEL_CARD.md").read_text("utf-8"))
    stated = rows_of("| stem | `builtin`, 64 mixtures |", README)
    assert set(stated) == {"drums", "bass", "vocals"}
    for stem, (mean, tenth, _, _) in stated.items():
        of_card = card[stem]
        best = float(of_card[4].split()[0])
        ours, of_recipe = figures(r"(\S+) \((\S+)\)", mean)
        expected = [float(of_card[0]), best, float(of_card[1])]
        assert [ours, of_recipe, float(tenth)] == pytest.approx(expected, abs=0.051)


@pytest.mark.parametrize("separator", ["builtin", "builtin-dsp"])
def test_the_quality_on_the_demo_is_what_is_measured(separator: str) -> None:
    demo = load_demo()
    if separator == "builtin":
        estimates = by_network(read_network(WEIGHTS), demo.mixture)
    else:
        estimates = separate_classical(demo.mixture, demo.sample_rate)
    for stem, (*_, of_network, of_recipe) in rows_of("| stem | `builtin`, 64 mixtures |", README).items():
        true = demo.stems[REFERENCE_OF[stem]]
        gain_db = si_sdr(estimates[stem], true) - si_sdr(demo.mixture, true)
        stated = of_network if separator == "builtin" else of_recipe
        assert float(stated) == pytest.approx(gain_db, abs=0.1)


def test_what_options_are_unless_given_is_what_a_request_is() -> None:
    usual = {
        "--solver": SolverSettings().method,
        "--solver-steps": str(SolverSettings().n_steps),
        "--grid": SolverSettings().grid,
        "--stitch": ChunkSettings().stitch,
        "--crossfade-type": ChunkSettings().fade,
        "--stereo": SamSettings().stereo,
        "--precision": SamSettings().precision,
        "--peak": RESCALE,
    }
    said = {}
    for words in (("extract", "sam-audio"), ("extract", "builtin"), ("extract", "demucs")):
        for param in leaf(*words).params:
            help_ = getattr(param, "help", None) or ""
            if stated := re.search(r"(\S+) unless given", help_):
                said[(words[-1], param.opts[0])] = stated[1].lower()
    assert {(option, value) for (_, option), value in said.items() if option in usual} == set(usual.items())
    assert (said["sam-audio", "--model"], said["demucs", "--model"]) == (sam_torch.DEFAULT, demucs.DEFAULT)


def test_where_the_help_says_that_all_models_are_they_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(folder / "no models"))
    help_ = next(param.help for param in leaf("extract", "demucs").params if "--model" in param.opts)
    (words,) = re.findall(r"see “(.+)” for all", help_)
    listed = audio_playground(*words.split()).output
    assert [model for model in demucs.DemucsBackend().models() if model not in listed.split()] == []
