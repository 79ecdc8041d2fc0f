"""The loaded SAM-Audio network: encode a clip, make its velocity field, decode a solver's result.

    network = load_torch_network(folder)
    features = network.encode([clip])                           # (1, frames, latents)
    text, text_mask = network.text().encode(["man speaking"])
    velocity = network.velocity(features, text, text_mask, rows)
    *_, state = integrate("midpoint", velocity, network.tensor(noise), times(16))
    target, residual = network.split(state)                     # (1, frames, latents) each
    samples = network.decode(target)                            # (1, frames * hop)

`rows` are those of `anchors.anchor_rows`, one for each prompt; `noise` is of shape (1, frames, 2 * latents).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from separation.errors import SettingsError
from separation.models.sam_audio.checkpoint.checkpoint import fill
from separation.models.sam_audio.checkpoint.files import CheckpointFiles, checkpoint_files
from separation.models.sam_audio.checkpoint.stored import parts
from separation.models.sam_audio.clips import batch_of
from separation.models.sam_audio.config import Config, read_config
from separation.models.sam_audio.finite import finite
from separation.models.sam_audio.pytorch.codec import Codec
from separation.models.sam_audio.pytorch.cpu_codec import CpuCodec
from separation.models.sam_audio.pytorch.field import FieldNetwork, Velocity
from separation.models.sam_audio.pytorch.int8 import check_int8
from separation.models.sam_audio.pytorch.text import T5TextEncoder

# The precision of the velocity field, by its name in a request. With int8, what is not `INT8` stays float32.
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "int8": torch.float32}
# The matrices every frame meets: all but a few hundredths of the arithmetic. What they add up to stays float32.
INT8 = re.compile(r"^field\.transformer\.layers\.\d+\.((cross_)?attention\.w[qkvo]|feed_forward\.w[123])\.weight$")
# Frames that the codec works on at once, 20 s: memory stays bounded however long the clip, at 3 % more work beyond.
PIECE_FRAMES = 500


class _Parameters(nn.Module):
    """Codec and velocity field; the codec is float32 always, as snakes and waveforms need the digits."""

    def __init__(self, config: Config, device: torch.device) -> None:
        super().__init__()
        self.codec = (CpuCodec if device.type == "cpu" else Codec)(config.audio_codec)
        self.field = FieldNetwork(config)


class SamAudio:
    """A loaded network. Arrays go in, tensors on its device come out; nothing here knows chunks, seeds or files.

    Clips are mono at `sample_rate` Hz. Of a stereo recording, the official code takes the mean of the channels; a
    caller may as well pass the channels as two clips of one batch.
    """

    def __init__(self, config: Config, parameters: _Parameters, folder: Path, device: torch.device) -> None:
        self.config, self.device = config, device
        self.sample_rate, self.hop = config.audio_codec.sample_rate, config.audio_codec.hop
        self.n_latents = config.audio_codec.codebook_dim
        self._folder = folder
        self.codec, self.field = parameters.codec, parameters.field

    @property
    def launches(self) -> str:
        """How the kernels of an evaluation are launched, for reports; "" where there is no choice."""
        return "" if self.field.graphs is None else self.field.graphs.launches

    def text(self) -> T5TextEncoder:
        """The encoder of prompts, read anew on each call; encode all prompts of a run at once, then drop it."""
        return T5TextEncoder(self.config.text_encoder, self._folder)

    def encode(self, clips: Sequence[NDArray[np.float32]]) -> Tensor:
        """Features of mono clips of shape (samples,), as latents of shape (clips, frames, latents).

        Each clip is continued to whole frames by its mirror image. Trim what is decoded to the clip's own length.

        Raises:
            SettingsError: the clips do not have equally many frames. Padding one to another's length would change
                its result by 8 to 40 %, because the network normalises over the whole clip.
        """
        samples = self.tensor(batch_of(clips, self.config))
        with torch.inference_mode():
            pieces = self.codec.encode_pieces(samples, PIECE_FRAMES)
            return finite(torch.cat([*pieces], dim=1), "features")

    def velocity(
        self,
        features: Tensor,
        text: Tensor,
        text_mask: Tensor,
        anchor_rows: NDArray[np.int64],
        frame_mask: NDArray[np.bool_] | None = None,
        *,
        attention_caching: float = 0.0,
    ) -> Velocity:
        """The velocity field of clips under prompts, one of each a row; a single clip serves any number of prompts.

        Args:
            features: from `encode`, (1 or batch, frames, latents).
            text: from `text().encode`, (1 or batch, tokens, text dim), with its mask (1 or batch, tokens).
            text_mask: True where a token counts.
            anchor_rows: from `anchors.anchor_rows`, (1 or batch, frames).
            frame_mask: True where a frame is no padding; only to repeat what the official code gave a padded batch.
            attention_caching: the tolerance within which a layer's self-attention is used again; 0 computes it always.
        """
        n_rows = max(len(features), len(text), len(anchor_rows))
        rows = torch.from_numpy(anchor_rows).to(self.device).expand(n_rows, -1)
        mask = None if frame_mask is None or frame_mask.all() else torch.from_numpy(frame_mask).to(self.device)
        with torch.inference_mode():
            return self.field.given(
                features.expand(n_rows, -1, -1),
                text.to(self.device).expand(n_rows, -1, -1),
                text_mask.to(self.device).expand(n_rows, -1),
                rows,
                mask,
                attention_caching,
            )

    def split(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """Latents of target and residual, each (batch, frames, latents)."""
        return state[..., : self.n_latents], state[..., self.n_latents :]

    def decode(self, latents: Tensor) -> Tensor:
        """Samples (batch, frames * hop), float32, of latents (batch, frames, latents), float32."""
        with torch.inference_mode():
            pieces = self.codec.decode_pieces(latents, PIECE_FRAMES)
            return finite(torch.cat([*pieces], dim=1), "decoded audio")

    def tensor(self, values: NDArray[Any]) -> Tensor:
        """An array on this network's device: bool stays bool, all else becomes float32."""
        # A copy, so that memory always has torch's alignment: sums over other alignments differ in their last bits.
        return torch.tensor(values, dtype=torch.bool if values.dtype == np.bool_ else torch.float32, device=self.device)

    def numpy(self, values: Tensor) -> NDArray[np.float32]:
        """A tensor of this network as a NumPy array."""
        return np.asarray(values.cpu().numpy())


def load_torch_network(
    path: Path | CheckpointFiles, *, device: str = "cpu", precision: str = "float32", video_constant: bool = True
) -> SamAudio:
    """Read a network from an official folder, a safetensors conversion, or one weights file beside its config.json.

    Args:
        path: the folder or file, or the files by name.
        device: "cpu", "cuda" or "mps".
        precision: of the transformer, "float32", "bfloat16" or, on the CPU, "int8". float16 is not offered: its range
            is too small.
        video_constant: False reads a conversion that left the video path out, taking its constant as zero. Results
            are then not the official ones (44 % of the velocity on a random checkpoint).

    Raises:
        WeightsMissing: no configuration or no weights are there.
        BackendUnavailable: they are not a SAM-Audio model this code computes.
        SettingsError: an unknown precision, or int8 where it cannot be computed.
    """
    if precision not in PRECISIONS:
        raise SettingsError(f"There is no precision “{precision}”.", "", f"Choose one of: {', '.join(PRECISIONS)}.")
    if precision == "int8":
        check_int8(device)
    files = checkpoint_files(path) if isinstance(path, Path) else path
    config = read_config(files.config)
    place = torch.device(device)
    with torch.device("meta"):
        parameters = _Parameters(config, place).eval()
    dtypes = {"codec": torch.float32, "field": PRECISIONS[precision]}
    wanted = parts(config, video_constant=video_constant)
    fill(parameters, wanted, files, place, dtypes, INT8 if precision == "int8" else None)
    parameters.codec.settle()
    return SamAudio(config, parameters, files.config.parent, place)
