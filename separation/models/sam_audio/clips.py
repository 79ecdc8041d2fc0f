"""Pads clips to whole latent frames and stacks them to a batch. Nothing here imports a framework."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from separation.errors import SettingsError
from separation.models.sam_audio.config import Config
from separation.models.sam_audio.framing import whole_frames


def batch_of(clips: Sequence[NDArray[np.float32]], config: Config) -> NDArray[np.float32]:
    """Stack mono clips of shape (samples,) to (clips, frames * hop), each mirrored at its end to whole frames.

    Raises:
        SettingsError: the clips do not have equally many frames, or they are longer than the network can see. Padding
            one to another's length would change its result by 8 to 40 %, as the network normalises over whole clips.
    """
    hop, longest = config.audio_codec.hop, config.transformer.max_positions
    whole = [whole_frames(clip, hop) for clip in clips]
    lengths = sorted({len(clip) // hop for clip in whole})
    if len(lengths) > 1:
        raise SettingsError(
            "Clips of different lengths cannot be separated in one batch.",
            f"These have {lengths[0]} to {lengths[-1]} frames, and padding would change their results.",
            "Separate them one by one, or batch clips of one length.",
        )
    if lengths[0] > longest:
        rate = config.audio_codec.sample_rate
        raise SettingsError(
            f"A clip of {lengths[0] * hop / rate:.1f} s is too long for the network.",
            f"It knows {longest} positions, which is {longest * hop / rate:g} s.",
            "Cut long recordings into chunks.",
        )
    return np.stack(whole)
