"""The list of tensors in a checkpoint file, and how each parameter of our network is made from them.

Names and shapes follow from the configuration alone, before a file is opened. The official files and the conversions
of mlx-audio differ in names (mostly of the codec) and in the order of the axes of convolutions. No framework is
imported before a parameter is made, so that files can be checked where none is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from separation.models.sam_audio.config import CodecConfig, Config, TransformerConfig

if TYPE_CHECKING:
    from torch import Tensor

# Order of the axes in a channels-last file. Convolutions: (out, in, time) -> (out, time, in). Transposed ones:
# (in, out, time) -> (out, time, in).
CONVOLUTION, TRANSPOSED = (0, 2, 1), (1, 2, 0)


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor of a file: the names it may have (the official one first), its official shape, its channels-last axes.

    `axes` is None for tensors that are the same in both orders.
    """

    names: tuple[str, ...]
    shape: tuple[int, ...]
    axes: tuple[int, int, int] | None = None

    @property
    def channels_last_shape(self) -> tuple[int, ...]:
        """Its shape in a channels-last file."""
        return self.shape if self.axes is None else tuple(self.shape[axis] for axis in self.axes)


@dataclass(frozen=True, slots=True)
class ParameterSource:
    """One parameter of our network, and the stored tensors it is made of: float32 and in official shape in `make`."""

    parameter: str
    sources: tuple[StoredTensor, ...]
    make: Callable[..., Tensor]


# Tensors that text and span prompts never use: none of them is read.
UNUSED = re.compile(
    r"(vision_encoder|text_encoder|visual_ranker|text_ranker|span_predictor|span_predictor_transform)\."
    r"|audio_codec\.decoder\.wm_model\."  # the watermark
    r"|audio_codec\.decoder\.(model\.\d+\.block\.|blocks\.\d+\.block_)(3|6|7|11)\."  # its paths through the decoder
    r"|align_masked_video\.conv[._]weight$"  # multiplies the features of a video, which are zero without one
    r"|timestep_emb\.|transformer\.rope_embeddings\.|transformer\.t_embedder\.freqs$"  # tables we compute
)


def parts(config: Config, *, video_constant: bool = True) -> tuple[ParameterSource, ...]:
    """Return every parameter's source. Without `video_constant`, the constant of an absent video is zero."""
    return (
        *_encoder(config.audio_codec),
        *_decoder(config.audio_codec),
        *_inputs(config, video_constant),
        *_transformer(config.transformer),
    )


def _encoder(config: CodecConfig) -> Iterator[ParameterSource]:
    official, mlx, ours = "audio_codec.encoder.block", "audio_codec.encoder", "codec.encoder"
    widths = [config.encoder_dim * 2**block for block in range(len(config.encoder_rates) + 1)]
    last = len(config.encoder_rates) + 1
    yield from _convolution(f"{ours}.0", f"{official}.0", f"{mlx}.conv_in", (widths[0], 1, 7))
    for block, ((n_in, n_out), rate) in enumerate(zip(pairwise(widths), config.encoder_rates, strict=True), start=1):
        here, there, mlx_there = f"{ours}.{block}", f"{official}.{block}.block", f"{mlx}.blocks.{block - 1}"
        for unit in range(3):
            yield from _residual_unit(f"{here}.{unit}", f"{there}.{unit}", f"{mlx_there}.res{unit + 1}", n_in)
        yield _snake(f"{here}.3", f"{there}.3", f"{mlx_there}.snake", n_in)
        yield from _convolution(f"{here}.4", f"{there}.4", f"{mlx_there}.conv", (n_out, n_in, 2 * rate))
    yield _snake(f"{ours}.{last}", f"{official}.{last}", f"{mlx}.snake_out", widths[-1])
    yield from _convolution(
        f"{ours}.{last + 1}", f"{official}.{last + 1}", f"{mlx}.conv_out", (config.latent_dim, widths[-1], 3)
    )
    # The bottleneck's other half is the logarithm of a variance, of use in training only.
    yield from _convolution(
        "codec.to_mean",
        "audio_codec.quantizer.in_proj",
        "audio_codec.quantizer_in_proj",
        (2 * config.codebook_dim, config.latent_dim, 1),
        keep=config.codebook_dim,
    )


def _decoder(config: CodecConfig) -> Iterator[ParameterSource]:
    official, mlx, ours = "audio_codec.decoder.model", "audio_codec.decoder", "codec.decoder"
    watermark = "audio_codec.decoder.wm_model.encoder_block.pre"  # where the official file keeps the last two layers
    widths = [config.decoder_dim // 2**block for block in range(len(config.decoder_rates) + 1)]
    last = len(config.decoder_rates) + 1
    yield from _convolution(
        "codec.from_latent",
        "audio_codec.quantizer.out_proj",
        "audio_codec.quantizer_out_proj",
        (config.latent_dim, config.codebook_dim, 1),
    )
    yield from _convolution(f"{ours}.0", f"{official}.0", f"{mlx}.conv_in", (widths[0], config.latent_dim, 7))
    for block, ((n_in, n_out), rate) in enumerate(zip(pairwise(widths), config.decoder_rates, strict=True), start=1):
        here, there, mlx_there = f"{ours}.{block}", f"{official}.{block}.block", f"{mlx}.blocks.{block - 1}.block_"
        yield _snake(f"{here}.0", f"{there}.0", f"{mlx_there}0", n_in)
        yield from _convolution(f"{here}.1", f"{there}.1", f"{mlx_there}1", (n_in, n_out, 2 * rate), TRANSPOSED)
        for unit, number in enumerate((4, 5, 8), start=2):
            yield from _residual_unit(f"{here}.{unit}", f"{there}.{number}", f"{mlx_there}{number}", n_out)
    yield _snake(f"{ours}.{last}", f"{watermark}.0", f"{mlx}.snake_out", widths[-1])
    yield from _convolution(f"{ours}.{last + 1}", f"{watermark}.1", f"{mlx}.conv_out", (1, widths[-1], 7))


def _inputs(config: Config, video_constant: bool) -> Iterator[ParameterSource]:
    dim, n_latents = config.transformer.dim, config.audio_codec.codebook_dim
    projection = StoredTensor(("proj.weight",), (dim, config.in_channels))
    bias, align = StoredTensor(("proj.bias",), (dim,)), "align_masked_video"
    yield ParameterSource("field.from_state.weight", (projection,), lambda weight: weight[:, : 2 * n_latents])
    yield ParameterSource(
        "field.from_audio.weight",
        (projection,),
        lambda weight: weight[:, 4 * n_latents : 5 * n_latents] + weight[:, 5 * n_latents :],
    )
    if video_constant:
        video = (
            StoredTensor((f"{align}.gate",), (1,)),
            StoredTensor((f"{align}.conv.bias", f"{align}.conv_bias"), (dim,)),
            StoredTensor((f"{align}.layer_norm.weight",), (dim,)),
            StoredTensor((f"{align}.layer_norm.bias",), (dim,)),
        )
        yield ParameterSource("field.from_audio.bias", (bias, *video), _with_absent_video)
    else:
        yield _same("field.from_audio.bias", bias)
    yield ParameterSource(
        "field.from_anchor.weight",
        (
            StoredTensor(("embed_anchors.gate",), (1,)),
            StoredTensor(("embed_anchors.embed.weight",), (config.num_anchors + 1, config.anchor_embedding_dim)),
            StoredTensor(("embed_anchors.proj.weight",), (dim, config.anchor_embedding_dim)),
        ),
        lambda gate, table, weight: gate.tanh() * (table @ weight.T),
    )
    yield _same("field.from_text.weight", StoredTensor(("memory_proj.weight",), (dim, config.text_encoder.dim)))
    yield _same("field.from_text.bias", StoredTensor(("memory_proj.bias",), (dim,)))


def _transformer(config: TransformerConfig) -> Iterator[ParameterSource]:
    dim, hidden, head_dim = config.dim, config.hidden_dim, config.head_dim
    ours, official = "field.transformer", "transformer"

    def same(name: str, *shape: int) -> ParameterSource:
        return _same(f"{ours}.{name}", StoredTensor((f"{official}.{name}",), shape))

    def head_major(name: str) -> ParameterSource:
        return ParameterSource(
            f"{ours}.{name}",
            (StoredTensor((f"{official}.{name}",), (dim, dim)),),
            # Row c * n_heads + h of the file is channel c of head h; ours are head by head.
            lambda weight: weight.reshape(head_dim, -1, dim).transpose(0, 1).reshape(dim, dim),
        )

    for number in (1, 2):
        here, there = f"{ours}.x_embedder", f"{official}.x_embedder.block.block{number}"
        yield _same(f"{here}.norm{number}.weight", StoredTensor((f"{there}.groupnorm.weight",), (dim,)))
        yield _same(f"{here}.norm{number}.bias", StoredTensor((f"{there}.groupnorm.bias",), (dim,)))
        weight = StoredTensor((f"{there}.project.weight",), (dim, dim, 3), CONVOLUTION)
        yield _same(f"{here}.conv{number}.weight", weight)
        yield _same(f"{here}.conv{number}.bias", StoredTensor((f"{there}.project.bias",), (dim,)))
    for embedder, n_in in (("y_embedder", dim), ("t_embedder", config.frequency_embedding_dim)):
        for matrix, width in (("w1", n_in), ("w2", dim), ("w3", n_in)):
            stored = StoredTensor((f"{official}.{embedder}.projection.{matrix}.weight",), (dim, width))
            yield _same(f"{ours}.{embedder}.{matrix}.weight", stored)
    yield same("t_block.weight", 6 * dim, dim)
    yield same("t_block.bias", 6 * dim)
    for layer in range(config.n_layers):
        at = f"layers.{layer}"
        for attention in ("attention", "cross_attention"):
            for matrix in ("wq", "wk", "wv"):
                yield head_major(f"{at}.{attention}.{matrix}.weight")
            yield same(f"{at}.{attention}.wo.weight", dim, dim)
            yield same(f"{at}.{attention}.q_norm.weight", head_dim)
            yield same(f"{at}.{attention}.k_norm.weight", head_dim)
        yield same(f"{at}.feed_forward.w1.weight", hidden, dim)
        yield same(f"{at}.feed_forward.w2.weight", dim, hidden)
        yield same(f"{at}.feed_forward.w3.weight", hidden, dim)
        yield same(f"{at}.attention_norm.weight", dim)
        yield same(f"{at}.ffn_norm.weight", dim)
        yield same(f"{at}.scale_shift_table", 6, dim)
    yield same("norm.weight", dim)
    yield same("final_layer_scale_shift_table", 2, dim)
    yield same("output.weight", config.out_channels, dim)


def _residual_unit(ours: str, official: str, mlx: str, n_channels: int) -> Iterator[ParameterSource]:
    yield _snake(f"{ours}.act1", f"{official}.block.0", f"{mlx}.act1", n_channels)
    yield from _convolution(f"{ours}.conv1", f"{official}.block.1", f"{mlx}.conv1", (n_channels, n_channels, 7))
    yield _snake(f"{ours}.act2", f"{official}.block.2", f"{mlx}.act2", n_channels)
    yield from _convolution(f"{ours}.conv2", f"{official}.block.3", f"{mlx}.conv2", (n_channels, n_channels, 1))


def _snake(ours: str, official: str, mlx: str, n_channels: int) -> ParameterSource:
    stored = StoredTensor((f"{official}.alpha", f"{mlx}.alpha"), (1, n_channels, 1), CONVOLUTION)
    return _same(f"{ours}.alpha", stored)


def _convolution(
    ours: str,
    official: str,
    mlx: str,
    shape: tuple[int, int, int],
    axes: tuple[int, int, int] = CONVOLUTION,
    keep: int | None = None,
) -> Iterator[ParameterSource]:
    """Weight and bias of a weight-normalised convolution, of which the first `keep` channels are kept."""
    n_out = shape[1] if axes == TRANSPOSED else shape[0]
    gain = StoredTensor((f"{official}.weight_g", f"{mlx}.weight_g"), (shape[0], 1, 1), axes)
    direction = StoredTensor((f"{official}.weight_v", f"{mlx}.weight_v"), shape, axes)
    yield ParameterSource(f"{ours}.weight", (gain, direction), lambda g, v: _weight(g, v)[:keep])
    bias = StoredTensor((f"{official}.bias", f"{mlx}.bias"), (n_out,))
    yield ParameterSource(f"{ours}.bias", (bias,), lambda stored: stored[:keep])


def _weight(gain: Tensor, direction: Tensor) -> Tensor:
    """The weight g v / |v|, the norm taken over all axes but the first (Salimans and Kingma 2016, eq. 2)."""
    import torch

    # The first axis also of transposed convolutions, where it is the input: that is how they were trained.
    length: Tensor = torch.linalg.vector_norm(direction, dim=(1, 2), keepdim=True)
    return direction * (gain / length)


def _with_absent_video(bias: Tensor, gate: Tensor, conv_bias: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """The projection's bias, plus what the video path adds to every frame when its features are all zero."""
    from torch.nn import functional

    return bias + gate.tanh() * functional.layer_norm(conv_bias, conv_bias.shape, scale, shift)


def _same(parameter: str, stored: StoredTensor) -> ParameterSource:
    return ParameterSource(parameter, (stored,), lambda tensor: tensor)
