"""The velocity field v(x, t) of one clip under one or more prompts: what a solver integrates."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from separation.models.sam_audio.config import Config
from separation.models.sam_audio.finite import finite
from separation.models.sam_audio.pytorch.attention_cache import AttentionCache
from separation.models.sam_audio.pytorch.dit import Transformer, rotary, sinusoids
from separation.models.sam_audio.pytorch.graphs import Graphs


class FieldNetwork(nn.Module):
    """Projections of state, audio, anchors and text, and the transformer that sees them together.

    The official input is (state, zeros, features, features); the zeros take no part, the two copies of the features
    share one matrix, and the constant an absent video adds is part of the bias. All three are folded on reading.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        n_latents, dim = config.audio_codec.codebook_dim, config.transformer.dim
        self.from_state = nn.Linear(2 * n_latents, dim, bias=False)
        self.from_audio = nn.Linear(n_latents, dim)
        # Drawing first values, which reading replaces, would import PyTorch's compiler: 1.2 s.
        self.from_anchor = nn.Embedding(config.num_anchors + 1, dim, _weight=torch.empty(config.num_anchors + 1, dim))
        self.from_text = nn.Linear(config.text_encoder.dim, dim)
        self.transformer = Transformer(config.transformer)
        self.graphs: Graphs | None = None  # what evaluates it on a graphics card, if there is such a thing

    def given(
        self,
        features: Tensor,
        text: Tensor,
        text_mask: Tensor,
        anchor_rows: Tensor,
        frame_mask: Tensor | None = None,
        attention_caching: float = 0.0,
    ) -> Velocity:
        """The field with everything fixed but state and time.

        Args:
            features: latents of the mixture, (batch, frames, latents).
            text: T5 features, (batch, tokens, text dim).
            text_mask: True where a token counts, (batch, tokens).
            anchor_rows: rows of the anchor table, (batch, frames).
            frame_mask: True where a frame is no padding, (batch, frames); only to repeat what a padded batch gave.
            attention_caching: the tolerance of an `AttentionCache` for one solve; 0 computes all attention.
        """
        dtype = self.from_state.weight.dtype
        return Velocity(
            self,
            fixed=self.from_audio(features.to(dtype)) + self.from_anchor(anchor_rows),
            text=self.from_text(text.to(dtype)),
            text_mask=None if bool(text_mask.all()) else text_mask,
            frame_mask=frame_mask,
            cache=AttentionCache(attention_caching) if attention_caching else None,
        )

    def aligned(self, x: Tensor, fixed: Tensor) -> Tensor:
        """Return the transformer's input for state `x`, (batch, frames, dim)."""
        projected: Tensor = self.from_state(x.to(fixed.dtype))
        return projected + fixed

    def evaluated(
        self,
        x: Tensor,
        time: Tensor,
        fixed: Tensor,
        text: Tensor,
        text_mask: Tensor | None,
        frame_mask: Tensor | None,
        cosines: Tensor,
        sines: Tensor,
        cache: AttentionCache | None = None,
    ) -> Tensor:
        """Return the velocity at state `x` and the time of each clip, (batch,), in float32; it depends on nothing else.

        The other arguments are those that `Velocity` holds; without a `cache` there is no branch on any value.
        """
        memory = text + sinusoids(time, text.shape[-1]).to(text.dtype)[:, None]
        rotation = (cosines, sines)
        velocity: Tensor = self.transformer(
            self.aligned(x, fixed), time, memory, rotation, text_mask, frame_mask, cache
        )
        return velocity.float()


class Velocity:
    """`velocity(x, t)`: state (batch, frames, 2 * latents) and time in [0, 1] to the state's rate of change."""

    def __init__(
        self,
        field: FieldNetwork,
        *,
        fixed: Tensor,
        text: Tensor,
        text_mask: Tensor | None,
        frame_mask: Tensor | None,
        cache: AttentionCache | None,
    ) -> None:
        config = field.transformer.config
        self._field, self._fixed, self._text = field, fixed, text
        self._text_mask, self._frame_mask, self._cache = text_mask, frame_mask, cache
        self._rotation = rotary(fixed.shape[1], config.head_dim, config.max_positions, fixed.device)

    def aligned(self, x: Tensor) -> Tensor:
        """Return the transformer's input for state `x`, (batch, frames, dim)."""
        return self._field.aligned(x, self._fixed)

    def __call__(self, x: Tensor, t: float) -> Tensor:
        """The velocity at state `x`: float32 whatever precision the network has, so that small steps still add up.

        Raises:
            SeparationError: it is not finite.
        """
        field = self._field
        with torch.inference_mode():
            time = torch.full((x.shape[0],), t, dtype=torch.float32, device=x.device)
            inputs = (x, time, self._fixed, self._text, self._text_mask, self._frame_mask, *self._rotation)
            if field.graphs is None or self._cache is not None:  # what is used again depends on values
                velocity = field.evaluated(*inputs, self._cache)
            else:
                velocity = field.graphs.evaluate(field.evaluated, *inputs)
            return finite(velocity, "velocities")
