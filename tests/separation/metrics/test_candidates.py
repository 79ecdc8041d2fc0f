"""Of several candidates the best is chosen without a reference: what each term notices, and the rule of silence."""

from __future__ import annotations

import numpy as np
import pytest

from separation.errors import SettingsError
from separation.metrics.candidates import TERMS, scores, terms

RATE = 16_000
N = 2 * RATE


def noise(seed: int, low_hz: float = 0, high_hz: float = RATE / 2) -> np.ndarray:
    """Noise in a band, at -20 dBFS."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(N))
    hertz = np.fft.rfftfreq(N, 1 / RATE)
    samples = np.fft.irfft(np.where((hertz >= low_hz) & (hertz < high_hz), spectrum, 0), N)
    return (0.1 * samples / samples.std()).astype(np.float32)[None]


DOG, BAND = noise(1, 300, 2000), noise(2, 2500, 6000)
MIXTURE = DOG + BAND


def of(*candidates: np.ndarray, inside: np.ndarray | None = None) -> list[float]:
    return scores(candidates, MIXTURE, RATE, inside)


def term(name: str, *candidates: np.ndarray) -> list[float]:
    return [one[name] for one in terms(candidates, MIXTURE, RATE)]


@pytest.mark.parametrize(
    "worse",
    [
        DOG + 0.5 * BAND,
        noise(1, 300, 1000),
        DOG + noise(3, 300, 8000) / 2,
        BAND,
        0.3 * DOG,
        2 * DOG,
        noise(4),
    ],
    ids=["leakage", "band loss", "invented", "wrong source", "too quiet", "too loud", "another sound"],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_true_source_wins_against_each_kind_of_error(worse: np.ndarray, place: int) -> None:
    others = [worse, DOG + 0.1 * noise(5)]
    found = of(*others[:place], DOG, *others[place:])
    assert np.argmax(found) == place


def test_each_term_is_one_for_what_is_right_and_falls_with_its_error() -> None:
    for name, worse in {
        "explained": DOG + noise(3, 6500, 8000),
        "agreement": noise(9),
        "uncorrelated": DOG / 2,
        "level": DOG / 8,
    }.items():
        right, again, wrong = term(name, DOG, DOG, worse)
        assert right == again and right > 0.45 and wrong < right - 0.1, name


def test_all_terms_lie_between_zero_and_one_but_agreement_with_what_is_upside_down() -> None:
    marked = np.arange(N) < N // 2
    for one in terms([DOG, BAND, noise(4), -DOG], MIXTURE, RATE, marked):
        assert set(one) == set(TERMS)
        assert all(0 <= value <= 1 for name, value in one.items() if name != "agreement")
        assert -1 <= one["agreement"] <= 1


def test_what_lies_inside_the_spans_counts_only_where_there_are_some() -> None:
    inside = np.arange(N) < N // 4
    here = np.where(inside, DOG, 0).astype(np.float32)
    within, around = (one["inside"] for one in terms([here, DOG - here], MIXTURE, RATE, inside))
    assert (within, around) == (1, 0)
    for nowhere in (None, np.zeros(N, bool), np.ones(N, bool)):
        assert "inside" not in terms([DOG], MIXTURE, RATE, nowhere)[0]


def test_silence_wins_where_most_are_silent_and_loses_elsewhere() -> None:
    silent = np.zeros_like(DOG)
    assert np.argmax(of(DOG, silent, silent)) == 1
    assert np.argmax(of(silent, DOG, noise(4))) == 1
    assert np.argmax(of(silent, DOG)) == 1, "half is not most"
    assert of(silent, silent) == [1, 1]


def test_one_candidate_has_a_score_too() -> None:
    assert len(of(DOG)) == 1


def test_other_shapes_are_refused() -> None:
    with pytest.raises(SettingsError):
        of(DOG[:, :-1])
