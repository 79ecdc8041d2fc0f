"""A stand-in for Meta's package: the same interface and behaviour, around our own network.

Only what our adapter touches, as the package's repository has it: a configuration that refuses unknown names, text
encoders read by name, reflection that fails on short clips, anchors in seconds rounded up to frames, a solver that is
given a grid, and results as lists of one waveform a clip. It leaves the watermark out.
"""

from __future__ import annotations

import json
import math
import tempfile
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import torch

from separation import solvers
from separation.models.sam_audio.config import TextConfig
from separation.models.sam_audio.pytorch import network
from separation.models.sam_audio.pytorch.text import T5TextEncoder
from tests.support.sam_models import folder_with

HOP, RATE = 1920, 48_000
TOKENS = {"+": 1, "-": 2}
STEPS = {"euler": solvers.euler, "midpoint": solvers.midpoint, "rk4": solvers.rk4}


class SAMAudioConfig:
    def __init__(
        self,
        in_channels=768,
        audio_codec=None,
        text_encoder=None,
        vision_encoder=None,
        transformer=None,
        num_anchors=3,
        anchor_embedding_dim=128,
        visual_ranker=None,
        text_ranker=None,
        span_predictor="pe-a-frame-large",
    ):
        self.text_encoder = text_encoder
        self.online = [name for name in (visual_ranker, text_ranker, span_predictor) if name is not None]


class Transformer(torch.nn.Module):
    def forward(self, velocity, x, t):
        return velocity(x, float(t))


class SAMAudio(torch.nn.Module):
    config_cls = SAMAudioConfig

    def __init__(self, cfg):
        super().__init__()
        assert not cfg.online and Path(cfg.text_encoder["name"]).is_dir(), "this would go online"
        self.text = T5TextEncoder(TextConfig(**cfg.text_encoder), Path("nowhere"))
        self.transformer = Transformer()

    def load_state_dict(self, state_dict):
        with tempfile.TemporaryDirectory() as folder:
            self.network = network.load_torch_network(folder_with(Path(folder), state_dict))

    def separate(self, batch, noise, ode_opt):
        net = self.network
        missing = -batch.audios.shape[-1] % HOP
        audios = torch.nn.functional.pad(batch.audios, (0, missing), mode="reflect") if missing else batch.audios
        features = net.encode([clip[0].numpy() for clip in audios])
        rows = batch.anchor_ids.gather(1, batch.anchor_alignment).numpy()
        velocity = net.velocity(features, *self.text.encode(batch.descriptions), rows)
        with torch.inference_mode():
            state = self._odeint(lambda x, t: self.transformer(velocity, x, t), noise, **ode_opt)
        target, residual = (net.decode(half) for half in net.split(state))
        return SimpleNamespace(target=list(target), residual=list(residual), noise=noise)

    @staticmethod
    def _odeint(field, state, *, method, options):
        ends = torch.tensor([0.0, 1.0])
        grid = options["grid_constructor"](field, state, ends)
        assert grid.dtype == ends.dtype and grid[0] == ends[0] and grid[-1] == ends[-1]
        for t, t_next in pairwise(grid.tolist()):
            state = STEPS[method](field, state, t, t_next - t)
        return state


class Batch:
    def __init__(self, audios, descriptions, anchors):
        self.audios, self.descriptions = audios, descriptions
        n_frames = math.ceil(audios.shape[-1] / HOP)
        alignment = torch.zeros((len(audios), n_frames), dtype=torch.long)
        ids = torch.full((len(audios), 2 + max(map(len, anchors))), 3)
        ids[:, 0] = 0
        for clip, spans in enumerate(anchors):
            for column, (sign, start_s, stop_s) in enumerate(spans, start=2):
                first, stop = (math.ceil(time_s * RATE / HOP) for time_s in (start_s, stop_s))
                alignment[clip, first:stop] = column
                ids[clip, column] = TOKENS[sign]
        self.anchor_ids, self.anchor_alignment = ids, alignment

    def to(self, device):
        assert str(device) == "cpu"
        return self


class SAMAudioProcessor:
    @classmethod
    def from_pretrained(cls, folder):
        assert "audio_codec" in json.loads((Path(folder) / "config.json").read_text())
        return cls()

    def __call__(self, descriptions, audios, anchors):
        assert len(descriptions) == len(audios) == len(anchors)
        return Batch(torch.stack([audio.mean(0) for audio in audios])[:, None], descriptions, anchors)
