"""A benchmark that was never run, with what might have come out of it."""

from __future__ import annotations

from separation.backends import registry
from separation.benchmark.benchmark import Benchmark, CellOutcome, Excerpt, setting_id
from separation.benchmark.grid import Grid, LeftOut, Passage
from separation.benchmark.timing import Timing
from separation.request import ChunkSettings, Prompt, Request

MALICIOUS = '=HYPERLINK("http://x")</script><script>alert(1)</script>|`*'


def requests():
    asked = Request(prompts=(Prompt(text="drums"), Prompt(text="vocals")))
    cut = Request(prompts=asked.prompts, chunks=ChunkSettings(chunk_s=5.0))
    return (
        registry.get("builtin").settle(asked),
        registry.get("builtin-dsp").settle(asked),
        registry.get("builtin-dsp").settle(cut),
    )


def timing(seconds, others=0.0):
    return Timing(
        seconds=seconds, first_sound_s=seconds / 2, load_s=1.0, peak_bytes=200_000_000, energy_j=None, others=others
    )


def made(song_name="Song", **changes):
    """A benchmark of three settings on two passages; the last setting has failed on the second."""
    settings = requests()
    songs = tuple(
        Excerpt(key=f"{index}" * 64, name=f"{song_name} {index}", recording=f"r{index}", duration_s=10.0)
        for index in (1, 2)
    )
    benchmark = Benchmark(
        id="abc",
        name="A look",
        created="2026-11-30T08:00:00+00:00",
        grid=Grid(settings={"prompts": ["drums", "vocals"]}, name="A look", passage=Passage(start_s=42, length_s=20)),
        songs=songs,
        requests=settings,
        reference=setting_id(settings[0]),
        left_out=(LeftOut(n_combinations=2, why="rk4 cannot be combined with multi-diffusion.", example={}),),
        n_same=1,
        machine={"processor": "A processor", "cores": "2", "system": "Linux", "python": "3.11", "torch": "2.13"},
        **changes,
    )
    outcomes = {}
    for number, cell in enumerate(benchmark.cells()):
        setting = number // 2
        quality = {"si_sdr_db": 4.0 + setting + number % 2, "sdr_db": 5.0 - setting, "undefined": {}}
        outcomes[cell.id] = CellOutcome(
            result=f"result{number}",
            timings=(timing(1.0 + setting), timing(1.5 + setting, others=3.0 if number == 0 else 0.0)),
            n_retimed=3 if number == 0 else 0,
            nfe=4,
            scores={
                "tracks": {"drums": quality, "vocals": {**quality, "si_sdr_db": -1.0}},
                "n_dropped_frames": number,
                "untold": [],
            },
            distances={"drums": {"error_db": None if setting == 0 else -20.0 - setting}},
        )
    last = list(outcomes)[-1]
    outcomes[last] = CellOutcome(error=("It needs more memory.", "There are 2 GB.", "Close other programs."))
    return benchmark, outcomes
