"""The tiny checkpoint as copies publish it: transformer and codec in files of their own, in half precision or not."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import torch
from safetensors.torch import load, save

from separation.models.sam_audio import sources
from tests.support.sam_models import CHECKPOINT, tensors, tiny_config

SMALL, SHARED = "audioghostai/sam-audio-small", "audioghostai/sam-audio-shared"
WHOLE = "AEmotionStudio/sam-audio-models"
OFFICIAL = "facebook/sam-audio-small"
T5 = "t5-base"
TYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def stored(weights, precision="fp32"):
    """A safetensors file of these tensors."""
    return save({name: tensor.to(TYPES[precision]).contiguous() for name, tensor in weights.items()})


def transformer():
    """The tensors of a split file: all but the codec and the vision encoder."""
    left_out = ("audio_codec.", "vision_encoder.")
    return {name: tensor for name, tensor in tensors().items() if not name.startswith(left_out)}


def codec(*, prefixed):
    """The tensors of the codec, with its prefix or without."""
    found = {name: tensor for name, tensor in tensors().items() if name.startswith("audio_codec.")}
    return found if prefixed else {name.removeprefix("audio_codec."): tensor for name, tensor in found.items()}


def config():
    """The tiny configuration, which names the published text encoder."""
    content = tiny_config()
    content["text_encoder"]["name"] = T5
    return json.dumps(content).encode()


def publish_split(hub, *, precision="fp16", prefixed=True, weights=None):
    """Publish the tiny checkpoint as `small` in two files, and its text encoder."""
    kinds = dict.fromkeys(("fp16", "fp32", precision))
    files = {kind: _transformer_file(kind) if weights is None else stored(weights, kind) for kind in kinds}
    hub.publish(SMALL, {"config.json": config(), **{f"model.{kind}.safetensors": file for kind, file in files.items()}})
    hub.publish(SHARED, {"audio_codec.safetensors": _codec_file(prefixed)})
    publish_text(hub)


@cache
def _transformer_file(precision):
    return stored(transformer(), precision)


@cache
def _codec_file(prefixed):
    return stored(codec(prefixed=prefixed))


def publish_text(hub):
    """Publish the tiny text encoder as T5-base, with a decoder that is four times as large."""
    files = {path.name: path.read_bytes() for path in (CHECKPOINT / "t5").iterdir()}
    hub.publish(T5, {**files, "model.safetensors": _text_file()})


@cache
def _text_file():
    encoder = load((CHECKPOINT / "t5" / "model.safetensors").read_bytes())
    decoder = {f"decoder.block.{n}.layer.0.SelfAttention.q.weight": torch.full((300, 100), float(n)) for n in range(4)}
    return save({**encoder, **decoder})


def publish_official(hub):
    """Publish the tiny checkpoint as Meta does, gated."""
    hub.publish(OFFICIAL, {"config.json": config(), "checkpoint.pt": (CHECKPOINT / "checkpoint.pt").read_bytes()})
    hub.gated.add(OFFICIAL)
    publish_text(hub)


def tiny_codec_expected(monkeypatch):
    """Take the digest of the published codec for that of the tiny one, which is another file."""
    monkeypatch.setattr(sources, "CODEC", replace(sources.CODEC, pinned=()))
