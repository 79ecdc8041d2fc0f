"""Reads `config.json` of a SAM-Audio folder into frozen values; a `Config` that exists can be computed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import prod
from pathlib import Path, PurePath
from typing import Any, TypeVar

from separation.errors import BackendUnavailable, WeightsMissing


@dataclass(frozen=True, kw_only=True, slots=True)
class CodecConfig:
    """The DAC-VAE codec. Every rate is the stride of one block; `codebook_dim` is the number of latent channels."""

    encoder_dim: int = 64
    encoder_rates: tuple[int, ...] = (2, 8, 10, 12)
    latent_dim: int = 1024
    decoder_dim: int = 1536
    decoder_rates: tuple[int, ...] = (12, 10, 8, 2)
    codebook_dim: int = 128
    sample_rate: int = 48_000
    mean: float = 0.0
    std: float = 1.0

    @property
    def hop(self) -> int:
        """Samples of one latent frame."""
        return prod(self.encoder_rates)


@dataclass(frozen=True, kw_only=True, slots=True)
class TextConfig:
    """The T5 encoder: a hub name, or a folder beside `config.json`."""

    name: str = "t5-base"
    max_length: int | None = 512
    pad_mode: str = "longest"
    dim: int = 768


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformerConfig:
    """The diffusion transformer, in the words of the official file."""

    dim: int = 2048
    n_heads: int = 16
    n_layers: int = 16
    norm_eps: float = 1e-5
    qk_norm: bool = True
    fc_bias: bool = False
    ffn_exp: int = 4
    ffn_dim_multiplier: float = 1
    multiple_of: int = 64
    non_linearity: str = "swiglu"
    use_rope: bool = True
    max_positions: int = 10_000
    frequency_embedding_dim: int = 256
    timestep_non_linearity: str = "swiglu"
    t_block_non_linearity: str = "silu"
    t_block_bias: bool = True
    context_dim: int = 2048
    context_non_linearity: str = "swiglu"
    context_norm: bool = False
    out_channels: int = 256
    in_channels: int | None = None

    @property
    def head_dim(self) -> int:
        """Channels of one attention head."""
        return self.dim // self.n_heads

    @property
    def hidden_dim(self) -> int:
        """Width of the gated feed-forward layer: two thirds of ffn_exp * dim, rounded up to `multiple_of`."""
        hidden = int(self.ffn_dim_multiplier * int(2 * int(self.ffn_exp * self.dim) / 3))
        return -(-hidden // self.multiple_of) * self.multiple_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """The configuration that determines the network's shapes.

    Raises:
        BackendUnavailable: the values describe a network that this code does not compute.
    """

    in_channels: int = 768
    num_anchors: int = 3
    anchor_embedding_dim: int = 128
    audio_codec: CodecConfig = field(default_factory=CodecConfig)
    text_encoder: TextConfig = field(default_factory=TextConfig)
    transformer: TransformerConfig = field(default_factory=TransformerConfig)

    def __post_init__(self) -> None:
        codec, dit = self.audio_codec, self.transformer
        wanted: dict[str, tuple[Any, Any]] = {
            "in_channels": (self.in_channels, 6 * codec.codebook_dim),
            "num_anchors": (self.num_anchors, 3),
            "audio_codec.mean": (codec.mean, 0.0),
            "audio_codec.std": (codec.std, 1.0),
            "audio_codec.decoder_rates (product)": (prod(codec.decoder_rates), codec.hop),
            # An odd stride pads its two sides differently; no published codec has one.
            "odd strides of audio_codec": (sum(rate % 2 for rate in codec.encoder_rates + codec.decoder_rates), 0),
            "transformer.out_channels": (dit.out_channels, 2 * codec.codebook_dim),
            "transformer.in_channels": (dit.in_channels, None),
            "transformer.context_dim": (dit.context_dim, dit.dim),
            "transformer.dim modulo 2 n_heads": (dit.dim % (2 * dit.n_heads), 0),
            "transformer.qk_norm": (dit.qk_norm, True),
            "transformer.fc_bias": (dit.fc_bias, False),
            "transformer.use_rope": (dit.use_rope, True),
            "transformer.context_norm": (dit.context_norm, False),
            "transformer.t_block_bias": (dit.t_block_bias, True),
            "transformer.frequency_embedding_dim modulo 2": (dit.frequency_embedding_dim % 2, 0),
            "transformer.non_linearity": (dit.non_linearity, "swiglu"),
            "transformer.timestep_non_linearity": (dit.timestep_non_linearity, "swiglu"),
            "transformer.context_non_linearity": (dit.context_non_linearity, "swiglu"),
            "transformer.t_block_non_linearity": (dit.t_block_non_linearity, "silu"),
        }
        encoder = PurePath(self.text_encoder.name)  # it decides which folder is read
        if encoder.is_absolute() or ".." in encoder.parts:
            raise BackendUnavailable(
                "This SAM-Audio configuration cannot be used.",
                "It names a text encoder that is not in its own folder.",
                "Use the config.json that came with the weights.",
            )
        for name, (found, needed) in wanted.items():
            if found != needed:
                raise BackendUnavailable(
                    "This SAM-Audio configuration is not one this network computes.",
                    f"{name} has to be {needed!r}.",
                    "Use the config.json that came with the weights.",
                )


def read_config(path: Path) -> Config:
    """The configuration of a checkpoint folder, or of one file.

    Raises:
        WeightsMissing: there is no `config.json`.
        BackendUnavailable: it is not JSON, or describes another network.
    """
    if path.is_dir():
        path = path / "config.json"
    if not path.is_file():
        raise WeightsMissing(
            f"There is no SAM-Audio model in “{path.parent}”.",
            "The folder holds no config.json.",
            "Give the folder that holds config.json and checkpoint.pt (or *.safetensors).",
        )
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as damage:
        raise _unreadable(path, f"It is no JSON that can be read ({type(damage).__name__})") from damage
    if not isinstance(values, dict):
        raise _unreadable(path, "It is not a table of settings")
    # Other names at this level configure the vision encoder, rankers and span predictor, which text prompts never use.
    own = {name: values[name] for name in ("in_channels", "num_anchors", "anchor_embedding_dim") if name in values}
    return Config(
        **own,
        audio_codec=_section(CodecConfig, values, "audio_codec", path),
        text_encoder=_section(TextConfig, values, "text_encoder", path),
        transformer=_section(TransformerConfig, values, "transformer", path),
    )


# Settings of training, or of the vector quantizer that the variational codec replaced; they change no output.
_WITHOUT_EFFECT = {
    "audio_codec": {"n_codebooks", "codebook_size", "quantizer_dropout"},
    "text_encoder": set[str](),
    "transformer": {"dropout", "context_embedder_dropout"},
}

# What JSON may give for a field of each type; lists have become tuples.
_TYPES: dict[str, Any] = {
    "int": int,
    "float": (int, float),
    "bool": bool,
    "str": str,
    "tuple[int, ...]": tuple,
    "int | None": (int, type(None)),
}

Section = TypeVar("Section", CodecConfig, TextConfig, TransformerConfig)


def _section(kind: type[Section], values: Mapping[str, Any], name: str, path: Path) -> Section:
    section = values.get(name) or {}
    known = {item.name for item in fields(kind)}
    if unknown := sorted(set(section) - known - _WITHOUT_EFFECT[name]):
        raise _unreadable(path, f"{name}.{unknown[0]} is not a setting this network knows")
    settings: dict[str, Any] = {}
    for item in fields(kind):
        if item.name not in section:
            continue
        value = tuple(section[item.name]) if isinstance(section[item.name], list) else section[item.name]
        if not isinstance(value, _TYPES[str(item.type)]) or (isinstance(value, bool) and item.type != "bool"):
            raise _unreadable(path, f"{name}.{item.name} is not of type {item.type}")
        settings[item.name] = value
    return kind(**settings)


def _unreadable(path: Path, why: str) -> BackendUnavailable:
    return BackendUnavailable(
        f"{path} cannot be used.", f"{why}.", "Download the model again, or use the file that came with the weights."
    )
