"""The SAM-Audio network on Apple's MLX: the modules of `mlx-audio`, with inputs as in the official code.

Encoder, decoder, transformer and the embedding of time are mlx-audio's. What joins them is ours, because mlx-audio
leaves parts of it out: the constant that an absent video adds and the “no anchor” embedding (about half of the velocity
each), anchors on exact frames, and the mirrored tail of a clip. The face is that of `network.SamAudio`.

Importing this module raises `BackendUnavailable` where MLX or mlx-audio cannot be imported.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from separation.errors import Action, BackendUnavailable, SettingsError
from separation.hardware.devices import choose_device
from separation.models.sam_audio.checkpoint.checkpoint import fill
from separation.models.sam_audio.checkpoint.files import CheckpointFiles, checkpoint_files
from separation.models.sam_audio.checkpoint.stored import ParameterSource, parts
from separation.models.sam_audio.clips import batch_of
from separation.models.sam_audio.config import Config, read_config
from separation.models.sam_audio.finite import finite
from separation.models.sam_audio.framing import DECODER_CONTEXT
from separation.models.sam_audio.pytorch.codec import Codec
from separation.models.sam_audio.pytorch.field import FieldNetwork
from separation.models.sam_audio.pytorch.text import T5TextEncoder

try:
    mx: Any = importlib.import_module("mlx.core")
    nn: Any = importlib.import_module("mlx.nn")
    mlx_codec: Any = importlib.import_module("mlx_audio.codec.models.dacvae.codec")
    mlx_sam: Any = importlib.import_module("mlx_audio.sts.models.sam_audio.model")
    mlx_config: Any = importlib.import_module("mlx_audio.sts.models.sam_audio.config")
except (ImportError, OSError) as failure:  # OSError: a shared library that one of their packages needs
    raise BackendUnavailable(
        "MLX cannot be used here.",
        f"Importing it failed: {failure}.",
        "The backend “sam_torch” does without.",
        action=Action.install("mlx-audio>=0.6,<0.7", again=True),
    ) from failure

Array: TypeAlias = Any  # mlx.core.array
PRECISIONS = {"float32": mx.float32, "bfloat16": mx.bfloat16}
PIECE_FRAMES = 500  # 20 s: what decoding takes in memory ends to grow with the length there


class MlxSamAudio:
    """A loaded network. Arrays go in, MLX arrays come out; nothing here knows chunks, seeds or files.

    Every array it gives is already computed: MLX refuses to compute one in another thread than it was asked for in.
    """

    launches = ""  # MLX gathers the work of an evaluation by itself

    def __init__(self, config: Config, modules: Any, folder: Path, device: str, precision: str) -> None:
        self.config, self.device = config, device
        self.sample_rate, self.hop = config.audio_codec.sample_rate, config.audio_codec.hop
        self.n_latents = config.audio_codec.codebook_dim
        self.modules, self._folder = modules, folder
        self._place = mx.gpu if device == "mps" else mx.cpu
        self._dtype = getattr(mx, precision)

    def text(self) -> T5TextEncoder:
        """The encoder of prompts, read anew on each call: the one of the PyTorch network, so that words read alike."""
        return T5TextEncoder(self.config.text_encoder, self._folder)

    def encode(self, clips: Sequence[NDArray[np.float32]]) -> Array:
        """Features (clips, frames, latents) of mono clips (samples,), each continued to whole frames by its mirror.

        Raises:
            SettingsError: the clips do not have equally many frames, or are longer than the network can see.
            SeparationError: what came out is not finite.
        """
        samples = batch_of(clips, self.config)
        with mx.stream(self._place):
            latents = self.modules.to_mean(self.modules.encoder(self.tensor(samples)[..., None]))
            return _computed(latents, "features")

    def velocity(
        self,
        features: Array,
        text: Array,
        text_mask: Array,
        anchor_rows: NDArray[np.int64],
        frame_mask: NDArray[np.bool_] | None = None,
        *,
        attention_caching: float = 0.0,
    ) -> Callable[[Array, float], Array]:
        """The velocity field of clips under prompts, one of each a row; a single clip serves any number of prompts.

        Args:
            features: from `encode`, (1 or batch, frames, latents).
            text: features of the prompts, (1 or batch, tokens, text dim).
            text_mask: True where a token counts, (1 or batch, tokens).
            anchor_rows: from `anchors.anchor_rows`, (1 or batch, frames).
            frame_mask: True where a frame is no padding; only to repeat what the official code gave a padded batch.
            attention_caching: 0; this network computes all attention.

        Returns:
            A function of a state (batch, frames, 2 * latents) and a time in [0, 1], giving the state's rate of change
            in float32; SeparationError if that is not finite.
        """
        assert not attention_caching
        net, n_rows = self.modules, max(len(features), len(text), len(anchor_rows))
        with mx.stream(self._place):
            fixed = _rows(net.from_audio(features) + net.from_anchor(mx.array(anchor_rows)), n_rows)
            words = _rows(net.from_text(text), n_rows)
            text_mask = None if mx.all(text_mask).item() else _rows(text_mask, n_rows)
            padding = None if frame_mask is None or frame_mask.all() else mx.array(frame_mask)
            mx.eval(fixed, words, text_mask, padding)

        def at(x: Array, t: float) -> Array:
            with mx.stream(self._place):
                time = mx.full((n_rows,), t, mx.float32)
                memory = words + net.timestep_emb(time, pos=time)[:, None]
                velocity = net.transformer(
                    net.from_state(x) + fixed,
                    time,
                    padding_mask=padding,
                    memory=memory.astype(self._dtype),
                    memory_padding_mask=text_mask,
                )
                return _computed(velocity.astype(mx.float32), "velocities")

        return at

    def decode(self, latents: Array, piece_frames: int = PIECE_FRAMES) -> Array:
        """Samples of shape (batch, frames * hop).

        Args:
            latents: (batch, frames, latents), float32.
            piece_frames: decode so many frames at a time: the same samples in less memory.

        Raises:
            SeparationError: they are not finite.
        """
        with mx.stream(self._place):
            pieces = [*self._pieces(latents, piece_frames)]
            return _computed(mx.concatenate(pieces, axis=1), "decoded audio")

    def tensor(self, values: NDArray[Any]) -> Array:
        """An MLX array: bool stays bool, all else becomes float32."""
        return mx.array(values if values.dtype == np.bool_ else values.astype(np.float32, copy=False))

    def numpy(self, values: Array) -> NDArray[np.float32]:
        """An MLX array as a NumPy array."""
        return np.array(values)

    def _pieces(self, latents: Array, piece_frames: int) -> Iterator[Array]:
        net, n_frames = self.modules, latents.shape[1]
        for start in range(0, n_frames, piece_frames):
            stop = min(start + piece_frames, n_frames)
            seen = max(0, start - DECODER_CONTEXT)
            h = net.decoder(net.from_latent(latents[:, seen : stop + DECODER_CONTEXT]))
            samples = mx.tanh(net.decoder.conv_out(net.decoder.snake_out(h)))[..., 0]
            piece = samples[:, (start - seen) * self.hop : (stop - seen) * self.hop]
            mx.eval(piece)
            mx.clear_cache()  # MLX keeps freed buffers, and these are the largest there are
            yield piece


def load_mlx_network(
    path: Path | CheckpointFiles, *, device: str = "cpu", precision: str = "float32", video_constant: bool = True
) -> MlxSamAudio:
    """Read a network from an official folder, a safetensors conversion, or one weights file beside its config.json.

    Args:
        path: the folder or file, or the files by name.
        device: "cpu" or "mps" (Apple's GPU).
        precision: of the transformer, "float32" or "bfloat16"; what mixes over whole clips or time stays float32.
        video_constant: False reads a conversion that left the video path out, taking its constant as zero.

    Raises:
        WeightsMissing: no configuration or no weights are there.
        BackendUnavailable: they are not a SAM-Audio model this code computes, or mlx-audio builds another network.
        SettingsError: a precision that MLX's network does not have.
    """
    if precision not in PRECISIONS:
        raise SettingsError(
            f"There is no precision “{precision}” on MLX.", "", f"Choose one of: {', '.join(PRECISIONS)}."
        )
    files = checkpoint_files(path) if isinstance(path, Path) else path
    config = read_config(files.config)
    modules = _modules(config)
    weights = list(_weights(config, files, video_constant, PRECISIONS[precision]))
    try:
        modules.load_weights(weights, strict=True)  # every name and shape, on both sides
    except ValueError as difference:
        raise BackendUnavailable(
            "The installed mlx-audio does not build this network.",
            f"{' '.join(str(difference).split()[:12]).rstrip('.,')}.",
            "Install mlx-audio 0.6, or choose the backend “sam_torch”.",
        ) from difference
    if precision != "float32":
        _round(modules.transformer, getattr(mx, precision))
    # Tables that are no parameters too: left lazy, they could only be computed in the thread that loads.
    mx.eval([value for module in modules.modules() for value in module.values() if isinstance(value, mx.array)])
    return MlxSamAudio(config, modules, files.config.parent, device, precision)


def choose_mlx_device(asked: str) -> str:
    """Choose among the devices that MLX sees, which are Apple's GPU and the processor; as `choose_device`."""
    here = {"mps": mx.metal.is_available(), "cpu": True}
    return choose_device(asked, here, seen_by="MLX", otherwise="choose the backend “sam_torch”")


def _modules(config: Config) -> Any:
    """The network of this configuration; nothing is computed or allocated for its initial values."""
    codec, dim = config.audio_codec, config.transformer.dim
    net = nn.Module()
    net.encoder = mlx_codec.Encoder(codec.encoder_dim, codec.encoder_rates, codec.latent_dim)
    net.to_mean = nn.Conv1d(codec.latent_dim, codec.codebook_dim, 1)
    net.from_latent = nn.Conv1d(codec.codebook_dim, codec.latent_dim, 1)
    net.decoder = mlx_codec.Decoder(codec.latent_dim, codec.decoder_dim, codec.decoder_rates)
    net.from_state = nn.Linear(2 * codec.codebook_dim, dim, bias=False)
    net.from_audio = nn.Linear(codec.codebook_dim, dim)
    net.from_anchor = nn.Embedding(config.num_anchors + 1, dim)
    net.from_text = nn.Linear(config.text_encoder.dim, dim)
    net.timestep_emb = mlx_sam.SinusoidalEmbedding(dim)
    net.transformer = mlx_sam.DiT(mlx_config.TransformerConfig(**asdict(config.transformer)))
    _drop_watermark(net.decoder)
    for convolution in net.modules():
        if getattr(convolution, "use_weight_norm", False):  # it is folded away when the weights are read
            convolution.use_weight_norm, convolution.weight = False, convolution.weight_v
            del convolution.weight_g, convolution.weight_v
    return net


def _drop_watermark(decoder: Any) -> None:
    del decoder.wm_model
    for block in decoder.blocks:
        del block.block_3, block.block_6, block.block_7, block.block_11


def _weights(config: Config, files: CheckpointFiles, video_constant: bool, dtype: Any) -> Iterator[tuple[str, Array]]:
    """Yield every parameter by its name in `_modules`, in the layout of MLX."""
    wanted = [_as_stored(part) for part in parts(config, video_constant=video_constant)]
    with torch.device("meta"):
        read = torch.nn.ModuleDict({"codec": Codec(config.audio_codec), "field": FieldNetwork(config)})
    fill(read, wanted, files, torch.device("cpu"), dict.fromkeys(read, torch.float32))
    for part in wanted:
        owner, _, parameter = part.parameter.rpartition(".")
        values = read.get_submodule(owner).get_parameter(parameter).detach()
        delattr(read.get_submodule(owner), parameter)  # one copy of the network in memory, not two
        if (axes := part.sources[-1].axes) is not None:
            values = values.permute(axes)
        name = _name(part)
        array = mx.array(values.numpy()).astype(dtype if _in_layers(name) else mx.float32)
        mx.eval(array)  # left lazy, it would keep its float32 original
        yield name, array


def _as_stored(part: ParameterSource) -> ParameterSource:
    """The part, with the channels of attention heads interleaved as in the file: mlx-audio splits them so."""
    interleaved = re.search(r"attention\.w[qkv]\.weight$", part.parameter)
    return replace(part, make=lambda weight: weight) if interleaved else part


def _name(part: ParameterSource) -> str:
    """Return the part's name in mlx-audio, which conversions use for the layers of codec and transformer."""
    there = part.sources[-1].names[-1]
    if re.match(r"audio_codec\.(encoder|decoder)\.|transformer\.", there):
        return there.removeprefix("audio_codec.").replace(".weight_v", ".weight")
    return part.parameter.partition(".")[2]


def _in_layers(name: str) -> bool:
    """Whether a parameter is of the part of the transformer that may have a lower precision."""
    return name.startswith("transformer.") and not name.startswith(
        ("transformer.x_embedder.", "transformer.t_embedder.")
    )


def _round(transformer: Any, dtype: Any) -> None:
    """Pass on in `dtype` what the embedders of frames and time compute in float32.

    Means over a clip and fractions of time need the digits: t = 0.97 and 0.9688 are one number in bfloat16.
    """
    for name in ("x_embedder", "t_embedder"):
        setattr(transformer, name, partial(_rounded, getattr(transformer, name), dtype))


def _rounded(embedder: Callable[[Array], Array], dtype: Any, x: Array) -> Array:
    return embedder(x).astype(dtype)


def _rows(values: Array, n_rows: int) -> Array:
    """`values` of shape (1 or n_rows, ...) as (n_rows, ...)."""
    return mx.broadcast_to(values, (n_rows, *values.shape[1:]))


def _computed(values: Array, what: str) -> Array:
    """`values`, computed now; SeparationError if they are not finite."""
    mx.eval(values)
    finite(torch.from_numpy(np.asarray(values)), what)
    return values
