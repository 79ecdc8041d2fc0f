"""T5's encoder (Raffel et al. 2020, arXiv:1910.10683): what SAM-Audio reads prompts with.

`transformers` holds it as well, but importing that takes 3 s, which every first sound would wait for.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # its usual name

from separation.models.sam_audio import text_encoder

PICKLED = "pytorch_model.bin"  # the older format, which other programs may have fetched
# Between the matrices of a feed-forward layer, by T5's own names; flan-T5 and T5 1.1 have the gated one.
ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "gated-gelu": partial(F.gelu, approximate="tanh"),
}


class MissingTensor(ValueError):
    """The files lack a tensor of the encoder; the message is a clause that names it."""


class T5Encoder:
    """A T5 encoder in float32 on the CPU.

    Args:
        t5: its `config.json`.
        weights: its tensors, by the names and with the shapes of `text_encoder.shapes`.

    Raises:
        ValueError: it has an activation that no T5 has.
    """

    def __init__(self, t5: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
        activation = str(t5.get("feed_forward_proj", "relu"))
        if activation not in ACTIVATIONS:
            raise ValueError(f"a T5 encoder with the activation “{activation}”")
        self._weights, self._activation = weights, ACTIVATIONS[activation]
        self._is_gated = activation.startswith("gated-")
        self._n_layers, self._n_heads = int(t5["num_layers"]), int(t5["num_heads"])
        self._max_distance = int(t5.get("relative_attention_max_distance", 128))
        self._epsilon = float(t5.get("layer_norm_epsilon", 1e-6))
        self.dim = int(t5["d_model"])

    @torch.inference_mode()
    def __call__(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Return features (prompts, tokens, dim) of tokens (prompts, tokens); `mask` is True where a token counts."""
        x = F.embedding(tokens, self._weights[text_encoder.EMBEDDING])
        bias = self._position_bias(tokens.shape[1])  # (1, heads, tokens, tokens)
        bias = bias.masked_fill(~mask[:, None, None, :], torch.finfo(bias.dtype).min)
        for block in range(self._n_layers):
            attention, forward = f"encoder.block.{block}.layer.0", f"encoder.block.{block}.layer.1"
            x = x + self._attend(self._norm(x, attention), f"{attention}.SelfAttention", bias)
            x = x + self._feed_forward(self._norm(x, forward), f"{forward}.DenseReluDense")
        return self._norm(x, "encoder.final")

    def _norm(self, x: Tensor, layer: str) -> Tensor:
        """Scale to a root mean square of one; T5's layer norm subtracts no mean and adds no bias."""
        kind = "_layer_norm" if layer == "encoder.final" else ".layer_norm"
        return F.rms_norm(x, (self.dim,), self._weights[f"{layer}{kind}.weight"], self._epsilon)

    def _attend(self, x: Tensor, layer: str, bias: Tensor) -> Tensor:
        """Self-attention, whose scores T5 does not divide by the root of their width."""
        query, key, value = (
            F.linear(x, self._weights[f"{layer}.{matrix}.weight"]).view(*x.shape[:2], self._n_heads, -1).transpose(1, 2)
            for matrix in "qkv"
        )
        heard = F.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=1.0)
        return F.linear(heard.transpose(1, 2).flatten(-2), self._weights[f"{layer}.o.weight"])

    def _feed_forward(self, x: Tensor, layer: str) -> Tensor:
        first = "wi_0" if self._is_gated else "wi"
        inner = self._activation(F.linear(x, self._weights[f"{layer}.{first}.weight"]))
        if self._is_gated:
            inner = inner * F.linear(x, self._weights[f"{layer}.wi_1.weight"])
        return F.linear(inner, self._weights[f"{layer}.wo.weight"])

    def _position_bias(self, n_tokens: int) -> Tensor:
        """Return what the distance of two tokens adds to their score, (1, heads, tokens, tokens); the first block's."""
        table = self._weights["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
        places = torch.arange(n_tokens)
        return table[_buckets(places[None, :] - places[:, None], len(table), self._max_distance)].permute(2, 0, 1)[None]


def read(folder: Path) -> T5Encoder:
    """Read an encoder from a folder with `config.json` and its weights; a decoder beside them is not read.

    Raises:
        OSError: a file is not there.
        MissingTensor: a tensor is missing.
        SafetensorError, ValueError, TypeError, RuntimeError, pickle.UnpicklingError: they are damaged, or of another
            model.
    """
    t5 = json.loads((folder / "config.json").read_bytes())
    shapes = text_encoder.shapes(t5)
    weights = {name: tensor.float() for name, tensor in _tensors(folder, shapes)}
    for name, shape in shapes.items():
        if weights[name].shape != shape:
            raise ValueError(f"the tensor “{name}” has the shape {tuple(weights[name].shape)}, not {shape}")
    return T5Encoder(t5, weights)


def _tensors(folder: Path, names: Mapping[str, object]) -> Iterator[tuple[str, Tensor]]:
    if (folder / text_encoder.WEIGHTS).is_file() or not (folder / PICKLED).is_file():
        with safe_open(folder / text_encoder.WEIGHTS, "pt") as file:
            there = frozenset(file.keys())
            for name in names:
                yield name, file.get_tensor(_name_in(there, name))
    else:
        pickled = torch.load(folder / PICKLED, map_location="cpu", weights_only=True, mmap=True)
        for name in names:
            yield name, pickled[_name_in(pickled, name)]


def _name_in(there: Mapping[str, object] | frozenset[str], name: str) -> str:
    if name in there:
        return name
    if name == text_encoder.EMBEDDING and text_encoder.ALSO_EMBEDDING in there:
        return text_encoder.ALSO_EMBEDDING
    raise MissingTensor(f"The tensor “{name}” is missing")


def _buckets(distance: Tensor, n_buckets: int, max_distance: int) -> Tensor:
    """Return the bucket of each distance in tokens: of each sign half of them, near ones alone, far ones together.

    The nearer half of a side's buckets hold one distance each; the others widen in equal steps of its logarithm up to
    `max_distance`, and the last holds all beyond.
    """
    n_side = n_buckets // 2
    n_alone = n_side // 2
    far = distance.abs().clamp(min=n_alone)  # near ones would have no logarithm here
    steps = torch.log(far.float() / n_alone) / math.log(max_distance / n_alone) * (n_side - n_alone)
    widened = (n_alone + steps.long()).clamp(max=n_side - 1)
    return torch.where(distance.abs() < n_alone, distance.abs(), widened) + n_side * (distance > 0)
