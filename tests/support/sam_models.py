"""The tiny SAM-Audio checkpoint of `tests/golden`, and what happens to checkpoints: converted, damaged, made larger."""

from __future__ import annotations

import json
import re
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from separation.models import folders
from separation.models.sam_audio.pytorch.network import load_torch_network
from tests.support.checkpoint import CHECKPOINT

GOLDEN = CHECKPOINT.parent
# The shared reference cases are used too, where they are.
SHARED = Path(__file__).parents[3] / "shared" / "golden"
CASES = sorted({path.name: path for folder in (SHARED, GOLDEN) for path in folder.glob("*.npz")}.values())


@cache
def tiny(precision="float32"):
    """The network of the tiny checkpoint."""
    return load_torch_network(CHECKPOINT, precision=precision)


@cache
def text_encoder():
    return tiny().text()


def tensors():
    """Everything the tiny checkpoint holds, by official name; a test may replace tensors, and changes none in place."""
    return dict(_tensors())


@cache
def _tensors():
    return torch.load(CHECKPOINT / "checkpoint.pt", weights_only=True)


def folder_with(path, weights, *, safetensors=True, text=False):
    """A checkpoint folder at `path` with the tiny configuration and these weights."""
    path.mkdir(exist_ok=True)
    folders.name_folder(path)
    shutil.copy(CHECKPOINT / "config.json", path)
    if text:
        shutil.copytree(CHECKPOINT / "t5", path / "t5", dirs_exist_ok=True)
    if safetensors:
        save_file({name: tensor.contiguous() for name, tensor in weights.items()}, path / "model.safetensors")
    else:
        torch.save(weights, path / "checkpoint.pt")
    return path


# What conversions call the layers of the codec.
RENAMED = (
    (r"encoder\.block\.0\.", "encoder.conv_in."),
    (r"encoder\.block\.(\d)\.block\.([012])\.", lambda m: f"encoder.blocks.{int(m[1]) - 1}.res{int(m[2]) + 1}."),
    (r"encoder\.block\.(\d)\.block\.3\.", lambda m: f"encoder.blocks.{int(m[1]) - 1}.snake."),
    (r"encoder\.block\.(\d)\.block\.4\.", lambda m: f"encoder.blocks.{int(m[1]) - 1}.conv."),
    (r"encoder\.block\.5\.", "encoder.snake_out."),
    (r"encoder\.block\.6\.", "encoder.conv_out."),
    (r"decoder\.model\.0\.", "decoder.conv_in."),
    (r"decoder\.model\.(\d)\.block\.(\d+)\.", lambda m: f"decoder.blocks.{int(m[1]) - 1}.block_{m[2]}."),
    (r"decoder\.wm_model\.encoder_block\.pre\.0\.", "decoder.snake_out."),
    (r"decoder\.wm_model\.encoder_block\.pre\.1\.", "decoder.conv_out."),
    (r"\.(pre|post)\.(\d)\.", r".\1_\2."),
    (r"(res\d|block_[4-8])\.block\.0\.", r"\1.act1."),
    (r"(res\d|block_[4-8])\.block\.1\.", r"\1.conv1."),
    (r"(res\d|block_[4-8])\.block\.2\.", r"\1.act2."),
    (r"(res\d|block_[4-8])\.block\.3\.", r"\1.conv2."),
    (r"quantizer\.(in|out)_proj", r"quantizer_\1_proj"),
)


def converted(weights):
    """The weights as conversions for Apple's MLX have them: codec renamed, channels last, vision encoder left out."""
    result = {}
    for name, tensor in weights.items():
        if name.startswith("vision_encoder."):
            continue
        if tensor.ndim == 3:
            # A transposed convolution is (in, out, time) and becomes (out, time, in), like any other.
            transposed = re.search(r"decoder\.model\.\d\.block\.[13]\.weight", name)
            tensor = tensor.permute((1, 2, 0) if transposed else (0, 2, 1))
        if name.startswith("audio_codec."):
            for pattern, new in RENAMED:
                name = re.sub(pattern, new, name)
        result[name] = tensor
    assert len(result) == sum(not name.startswith("vision_encoder.") for name in weights)
    return result


def clip(n_samples, seed=0, channels=None):
    """A noisy tone, (samples,) or (channels, samples)."""
    rng = np.random.default_rng(seed)
    shape = (n_samples,) if channels is None else (channels, n_samples)
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(n_samples) / 48_000)
    return (tone + 0.1 * rng.standard_normal(shape)).astype(np.float32)


def tiny_config():
    return json.loads((CHECKPOINT / "config.json").read_text())
