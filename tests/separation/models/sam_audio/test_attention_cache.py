"""Attention that is used again: where it hardly changes, for every clip by itself, and only if it is asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from separation import solvers
from separation.backends import registry
from separation.errors import SettingsError
from separation.models.sam_audio.anchors import anchor_rows
from separation.models.sam_audio.noise import noise
from separation.models.sam_audio.pytorch.attention_cache import MOST_REUSES, AttentionCache
from separation.request import ChunkSettings, Request, SamSettings, SolverSettings
from tests.support.sam_models import CHECKPOINT, clip, text_encoder, tiny

N_FRAMES = 8


class Attention:
    """What a layer gives at each evaluation, (evaluations, clips), and how often it was computed."""

    def __init__(self, values: list[list[float]]) -> None:
        self._values, self._at, self.computed = torch.tensor(values), -1, 0

    def along(self, cache: AttentionCache, layer: int = 0) -> list[list[float]]:
        """Return what the cache gives at each evaluation."""
        given = []
        for at in range(len(self._values)):
            self._at = at
            given.append(cache(layer, self._compute)[:, 0, 0].tolist())
        return given

    def _compute(self) -> torch.Tensor:
        self.computed += 1
        return self._values[self._at][:, None, None].expand(-1, 2, 3)


def solved(attention_caching, method="euler", n_steps=16, prompts=("man speaking",)):
    network = tiny()
    features = network.encode([clip(N_FRAMES * 1920)])
    text, mask = text_encoder().encode(prompts)
    rows = anchor_rows([], N_FRAMES)[None]
    field = network.velocity(features, text, mask, rows, attention_caching=attention_caching)
    start = network.tensor(noise(0, 0, N_FRAMES, 2 * network.n_latents)).expand(len(prompts), -1, -1)
    *_, state = solvers.integrate(method, field, start, solvers.times(n_steps))
    return state


def relative_error(estimate, exact):
    return float((estimate - exact).norm() / exact.norm())


def test_what_does_not_change_is_computed_twice_and_then_now_and_then():
    attention = Attention([[1.0]] * 10)
    assert attention.along(AttentionCache(0.1)) == [[1.0]] * 10
    assert attention.computed == 2 + (10 - 2) // (MOST_REUSES + 1)


def test_what_changes_by_more_than_the_tolerance_is_always_computed():
    values = [[1.0], [1.2], [1.5], [1.9], [2.4]]
    attention = Attention(values)
    assert attention.along(AttentionCache(0.1)) == [pytest.approx(one) for one in values]
    assert attention.computed == 5


def test_it_is_used_again_for_as_long_as_it_takes_to_be_off_by_the_tolerance():
    """It changes by 0.04 an evaluation, so that after two it is off by 0.08 and after three by more than 0.1."""
    values = [[1.04**n] for n in range(9)]
    attention = Attention(values)
    given = attention.along(AttentionCache(0.1))
    assert [value == pytest.approx(exact) for value, exact in zip(given, values, strict=True)] == [
        True, True, False, False, True, False, False, True, False,
    ]  # fmt: skip
    off = [abs(one[0] / exact[0] - 1) for one, exact in zip(given, values, strict=True)]
    assert 0.05 < max(off) < 0.1


def test_a_clip_is_given_the_same_beside_another_as_alone():
    slow, quick = [1.03**n for n in range(12)], [(-1.3) ** n for n in range(12)]
    (together,) = [Attention([list(pair) for pair in zip(slow, quick, strict=True)]).along(AttentionCache(0.1))]
    for number, values in enumerate((slow, quick)):
        alone = Attention([[value] for value in values]).along(AttentionCache(0.1))
        assert [pair[number] for pair in together] == pytest.approx([one for (one,) in alone])


def test_layers_are_kept_apart():
    cache = AttentionCache(0.1)
    assert Attention([[1.0]] * 3).along(cache, 0) == [[1.0]] * 3
    assert Attention([[5.0]] * 3).along(cache, 1) == [[5.0]] * 3


def test_without_a_tolerance_nothing_is_used_again():
    assert torch.equal(solved(0.0), solved(0.0)) and torch.equal(solved(0.0), solved(1e-12))


@pytest.mark.parametrize("method", ["euler", "midpoint", "ab2", "rk4"])
def test_its_error_is_smaller_than_that_of_the_steps_that_take_as_long(method):
    exact, cached, fewer = solved(0.0, "midpoint", 64), solved(0.1, method), solved(0.0, method, 8)
    assert 0 < relative_error(cached, solved(0.0, method)) < 0.1
    if method == "euler":
        assert relative_error(cached, exact) < relative_error(fewer, exact)


def test_two_prompts_together_are_what_they_are_alone():
    prompts = ("man speaking", "dog barking in the background")
    together = solved(0.1, prompts=prompts)
    for number, prompt in enumerate(prompts):
        assert relative_error(together[number], solved(0.1, prompts=(prompt,))[0]) < 1e-3


def asked(backend="sam_torch", stitch="crossfade", **sam):
    return Request.of(
        "x",
        backend=backend,
        model=str(CHECKPOINT),
        chunks=ChunkSettings(stitch=stitch),
        solver=SolverSettings(method="euler", n_steps=16),
        sam=SamSettings(**sam),
    )


def test_it_is_part_of_a_request_and_of_what_is_stored_only_if_it_is_asked_for():
    plain = asked().to_dict()
    assert "attention_caching" not in plain["sam"], "so that keys of kept results stay"
    cached = asked(attention_caching=0.1)
    assert Request.from_dict(cached.to_dict()) == cached and cached.to_dict() != plain
    assert registry.get("sam_torch").settle(cached).sam.attention_caching == 0.1


@pytest.mark.parametrize(("backend", "stitch"), [("sam_torch", "multidiffusion"), ("sam_official", "crossfade")])
def test_where_it_has_no_effect_it_is_settled_away(backend, stitch):
    request = asked(backend, stitch, attention_caching=0.1)
    settled = registry.get(backend).settle(request)
    assert settled.sam == replace(request.sam, attention_caching=0.0, precision="float32")
    assert "sam.attention_caching" in registry.get(backend).without_effect(settled)


@pytest.mark.parametrize("share", [-0.1, 0.51, np.nan])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(SettingsError, match="attention"):
        SamSettings(attention_caching=share)
