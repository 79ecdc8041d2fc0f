"""The command a manifest keeps is one that the terminal takes, and makes the same request."""

from __future__ import annotations

import shlex
from dataclasses import replace
from math import isfinite

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from separation.audio.part import WHOLE
from separation.backends.builtin import BuiltinBackend
from separation.backends.builtin_dsp import ClassicalBackend
from separation.backends.demucs import DemucsBackend
from separation.cli.extracting import extract as extract_module
from separation.cli.extracting import sam_audio as sam_audio_module
from separation.cli.main import main
from separation.request import (
    DEVICES,
    FADES,
    GRIDS,
    PRECISIONS,
    RESIDUALS,
    SOLVERS,
    STEREO_MODES,
    STITCHES,
    Anchor,
    ChunkSettings,
    DemucsSettings,
    Prompt,
    Request,
    Reroll,
    SamSettings,
    SolverSettings,
)
from separation.results import commands
from separation.results.runs import import_recording
from storage import ArtifactStore
from tests.support import run_fakes


def typed(command):
    """Parse a command as the terminal would, without running it; returns the values of its options."""
    program, *words = shlex.split(command)
    assert program == "audio-playground"
    context: click.Context = click.Context(main)
    group: click.Command = main
    while isinstance(group, click.Group):
        name, group_command, words = group.resolve_command(context, words)
        assert group_command is not None
        context = click.Context(group_command, parent=context, info_name=name)
        group = group_command
    group.parse_args(context, words)
    return context.params


def asked(command):
    """What a command in the terminal wants: the file, and the request it makes."""
    heard = []
    with pytest.MonkeyPatch.context() as patch:
        for module in (extract_module, sam_audio_module):
            patch.setattr(module, "run", lambda wanted, request, common: heard.append((wanted.source, request)))
        done = CliRunner().invoke(main, shlex.split(command)[1:])
    assert done.exit_code == 0, done.output
    ((source, request),) = heard
    return source, request


def test_the_command_of_a_recording_is_one_the_terminal_takes(tmp_path):
    store = ArtifactStore(tmp_path / "home")
    for name in ("song.wav", "a song's “name”.wav", "-o.wav"):
        recording = import_recording(run_fakes.song(tmp_path / "song.wav", seed=len(name)), store, name=name)
        assert typed(store.manifest(recording.key).command)["source"].name == name


@pytest.mark.parametrize(
    "chunks",
    [
        None,
        ChunkSettings(chunk_s=7.5, overlap_s=0.3, fade="linear"),
        ChunkSettings(chunk_s=None, overlap_s=5),
        ChunkSettings(max_chunks=3),
    ],
)
@pytest.mark.parametrize("backend", [BuiltinBackend(), ClassicalBackend()], ids=lambda backend: backend.name)
def test_the_command_of_a_builtin_result_makes_the_same_request(backend, chunks):
    request = backend.settle(Request.of("drums", "everything but the --bass", chunks=chunks))
    source, again = asked(commands.extracting("-my song.wav", WHOLE, request))
    assert source.name == "-my song.wav"
    assert backend.settle(again) == request


@pytest.mark.parametrize(
    "settings",
    [
        DemucsSettings(),
        DemucsSettings(
            shifts=3, overlap_ratio=0.1, split=False, segment_s=4.5, mixed_precision=True, folder="my models"
        ),
    ],
)
@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_the_command_of_a_demucs_result_makes_the_same_request(settings, device):
    request = Request.of("vocals", backend="demucs", model="htdemucs_ft", seed=5, demucs=settings, device=device)
    request = DemucsBackend().settle(request)
    _, again = asked(commands.extracting("song.wav", WHOLE, request))
    assert DemucsBackend().settle(again) == request


TIMES = st.floats(0, 1e7) | st.sampled_from([0.0, -0.0, 5e-324, 1e-05, 0.1, 3, 1e22])
SPANS = st.tuples(st.sampled_from("+-"), TIMES, TIMES).map(
    lambda span: Anchor(sign=span[0], start_s=min(span[1:]), stop_s=max(span[1:]))
)
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(str.strip)
PROMPTS = st.lists(
    st.builds(Prompt, text=TEXTS, anchors=st.lists(SPANS, max_size=3).map(tuple)),
    min_size=1,
    max_size=3,
    unique_by=lambda prompt: prompt.text.strip().casefold(),
).map(tuple)
LENGTHS = st.floats(1, 600).filter(isfinite)
CHUNKS = st.builds(
    lambda chunk_s, ratio, **others: ChunkSettings(chunk_s=chunk_s, overlap_s=ratio * (chunk_s or 1), **others),
    st.none() | LENGTHS,
    ratio=st.floats(0, 0.5),
    fade=st.sampled_from(FADES),
    stitch=st.sampled_from(STITCHES),
    max_chunks=st.none() | st.integers(1, 100_000),
)
REROLLS = st.lists(
    st.builds(Reroll, chunk=st.integers(0, 999_999 // 10), seed=st.integers(0, 2**63 - 1)),
    max_size=3,
    unique_by=lambda roll: roll.chunk,
).map(tuple)
SAM = st.builds(
    lambda chain, residual, **others: SamSettings(chain=chain and residual == "mixture", residual=residual, **others),
    chain=st.booleans(),
    stereo=st.sampled_from(STEREO_MODES),
    residual=st.sampled_from(RESIDUALS),
    only_inside=st.booleans(),
    match_gain=st.booleans(),
    mute_doubtful=st.booleans(),
    precision=st.sampled_from(PRECISIONS),
    candidates=st.integers(1, 8),
    rerolls=REROLLS,
)
REQUESTS = st.builds(
    Request,
    prompts=PROMPTS,
    backend=st.sampled_from(["sam_torch", "sam_mlx", "sam_official"]),
    model=st.sampled_from(["small", "base"]),
    device=st.sampled_from(DEVICES),
    chunks=CHUNKS,
    solver=st.builds(
        SolverSettings, method=st.sampled_from(SOLVERS), n_steps=st.integers(1, 1000), grid=st.sampled_from(GRIDS)
    ),
    sam=SAM,
    seed=st.integers(0, 2**63 - 1),
)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(request=REQUESTS)
def test_the_command_of_a_sam_audio_result_makes_the_same_request(request):
    command = commands.extracting("-a song.wav", WHOLE, request)
    source, again = asked(command)
    assert source.name == "-a song.wav"
    assert again == request
    assert again.to_dict() == request.to_dict()


def test_the_command_of_a_usual_run_is_short():
    request = Request.of("a dog", backend="sam_torch", model="small", chunks=ChunkSettings())
    assert commands.extracting("song.wav", WHOLE, request) == (
        "audio-playground extract sam-audio song.wav --prompt 'a dog' --crossfade-type cosine --overlap-duration 2.0 "
        "--chunk-duration 20.0 --backend torch --model small --seed 0"
    )
    longer = replace(request, solver=SolverSettings(n_steps=4), sam=SamSettings(rerolls=(Reroll(chunk=2, seed=17),)))
    assert "--solver-steps 4 --reroll 3=17" in commands.extracting("song.wav", WHOLE, longer)
