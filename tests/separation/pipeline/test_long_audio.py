"""Four minutes take the memory of one: real runs of SAM-Audio's network in a fresh process, the short one first."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from separation.models.sam_audio.checkpoint.stored import parts
from separation.models.sam_audio.config import read_config
from tests.support.sam_models import folder_with, tiny_config

SEPARATED_TO_DISK = """
import sys
from contextlib import ExitStack
from pathlib import Path
from separation import ChunkSettings, Request, SolverSettings, separate
from separation.backends import registry
from separation.backends.sam_torch import SamTorchBackend
from separation.audio.encode import FloatWavWriter
from separation.events import ChunkFinished, Planned
from separation.request import SamSettings
from tests.support.fakes import MadeOnTheFly

RATE = 48_000  # the model's: the chunks of a lower one take too little to be noticed

def peak():
    if sys.platform == "linux":  # getrusage would begin with the peak of the process that started this one
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

checkpoint, folder, stitch = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
registry.BACKENDS = {"sam_torch": SamTorchBackend()}
request = Request.of(
    "tone", backend="sam_torch", model=checkpoint, device="cpu",
    chunks=ChunkSettings(chunk_s=20, overlap_s=2, stitch=stitch), solver=SolverSettings(method="euler", n_steps=1),
    sam=SamSettings(stereo="mono"),
)
for seconds in map(int, sys.argv[4:]):
    mixture = MadeOnTheFly(n_samples=seconds * RATE, sample_rate=RATE)
    n_written, writers = 0, {}
    with ExitStack() as open_files:
        for event in separate(mixture, request):
            if isinstance(event, Planned):
                for number, name in enumerate(event.stems):
                    writer = FloatWavWriter(folder / f"{stitch}-{seconds}-{number}.wav", 1, RATE)
                    writers[name] = open_files.enter_context(writer)
            if isinstance(event, ChunkFinished):
                for name, samples in event.audio.items():
                    writers[name].write(samples)
                n_written += samples.shape[-1]
    print(n_written, peak())
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """The tiny network with a codec of fewer and narrower layers: at 48 kHz that is where the time goes."""
    folder = tmp_path_factory.mktemp("narrow")
    config = tiny_config()
    config["audio_codec"] |= {"encoder_dim": 1, "encoder_rates": [40, 48], "latent_dim": 16}
    config["audio_codec"] |= {"decoder_dim": 2, "decoder_rates": [1920]}
    (folder / "config.json").write_text(json.dumps(config))
    shapes = {stored.names[0]: stored.shape for part in parts(read_config(folder)) for stored in part.sources}
    folder_with(folder, {name: torch.full(shape, 0.1) for name, shape in shapes.items()}, text=True)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is read the way of Linux and macOS")
@pytest.mark.parametrize("stitch", ["crossfade", "multidiffusion"])
def test_four_minutes_take_the_memory_of_one(checkpoint, tmp_path, stitch):
    lengths_s = (60, 258)  # both end in a chunk of 6 s: other shapes of chunks take other memory
    run = subprocess.run(
        [sys.executable, "-c", SEPARATED_TO_DISK, checkpoint, tmp_path, stitch, *map(str, lengths_s)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    (n_short, short), (n_long, long) = (map(int, line.split()) for line in run.stdout.splitlines())
    assert (n_short, n_long) == tuple(seconds * 48_000 for seconds in lengths_s)
    # One track of 258 s at the model's rate is 50 MB.
    assert long - short < 35e6, f"{short / 1e6:.0f} MB for one minute, {long / 1e6:.0f} MB for four"
