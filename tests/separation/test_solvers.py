"""Solvers: order of convergence against a known answer, grids that end at 1, evaluations counted."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from separation import request, solvers
from separation.errors import SettingsError

DOCUMENT = Path(__file__).parents[2] / "docs/sam-audio.md"
ORDERS = {"euler": 1, "midpoint": 2, "heun": 2, "rk4": 4, "ab2": 2}


def solve(method, velocity, x, times):
    *_, state = solvers.integrate(method, velocity, x, times)
    return state


def growth(x, t):
    """x' = x cos 2t, from 1 to exp(sin(2) / 2): it depends on the time too, so a stage at a wrong time shows."""
    return x * math.cos(2 * t)


@pytest.mark.parametrize("grid, sway", [("uniform", 0), ("sway", -1), ("sway", 1.5)])
@pytest.mark.parametrize("method", ORDERS)
def test_the_error_falls_with_the_order_of_the_solver(method, grid, sway):
    def error(n_steps):
        return abs(solve(method, growth, 1.0, solvers.times(n_steps, grid, sway)) - math.exp(math.sin(2) / 2))

    assert math.log2(error(128) / error(256)) == pytest.approx(ORDERS[method], abs=0.15)


def test_every_solver_that_a_request_may_name_is_here_and_no_other():
    assert set(solvers.SOLVERS) == set(request.SOLVERS) == set(ORDERS)
    assert {name: solver.order for name, solver in solvers.SOLVERS.items()} == ORDERS


@pytest.mark.parametrize("method", ORDERS)
def test_what_is_said_of_evaluations_a_step_is_what_one_more_step_takes(method):
    assert solvers.nfe(method, 8) - solvers.nfe(method, 7) == solvers.SOLVERS[method].evaluations


@pytest.mark.parametrize("method", ORDERS)
@pytest.mark.parametrize("n_steps", [1, 2, 7])
def test_nfe_is_the_number_of_evaluations_made(method, n_steps):
    calls = []
    steps = list(solvers.integrate(method, lambda x, t: calls.append(t) or -x, 1.0, solvers.times(n_steps)))
    assert len(steps) == n_steps
    assert len(calls) == solvers.nfe(method, n_steps)


def test_the_document_tells_the_evaluations_a_step_of_every_solver():
    (row,) = (line for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("| `--solver`"))
    numbers, told = {"one": 1, "two": 2, "three": 3, "four": 4}, {}
    for names, number in re.findall(r"((?:`\w+`(?: and )?)+) (one|two|three|four)\b", row):
        told |= dict.fromkeys(re.findall(r"`(\w+)`", names), numbers[number])
    assert told == {name: solver.evaluations for name, solver in solvers.SOLVERS.items()}


def test_two_step_adams_bashforth_costs_one_evaluation_a_step_and_one_to_start():
    assert [solvers.nfe("ab2", n) for n in (1, 2, 16)] == [2, 3, 17]


def test_adams_bashforth_is_exact_where_velocity_is_a_line_in_time_even_on_uneven_steps():
    *_, x = solvers.integrate("ab2", lambda x, t: 3 - 4 * t, 0.0, (0, 0.1, 0.15, 0.5, 0.9, 1.0))
    assert x == pytest.approx(3 - 2, abs=1e-14)


@pytest.mark.parametrize("method", ORDERS)
def test_a_constant_velocity_arrives_exactly(method):
    assert solve(method, lambda x, t: np.full(3, 2.0), np.zeros(3), solvers.times(5)) == pytest.approx(np.full(3, 2.0))


@given(n_steps=st.integers(1, 200), sway=st.floats(-1, solvers.MAX_SWAY))
def test_times_start_at_0_increase_and_end_at_exactly_1(n_steps, sway):
    for times in (solvers.times(n_steps), solvers.times(n_steps, "sway", sway)):
        assert len(times) == n_steps + 1
        assert times[0] == 0 and times[-1] == 1
        assert all(a < b for a, b in pairwise(times))


def test_sway_below_zero_takes_shorter_steps_near_the_noise():
    times = solvers.times(8, "sway", -1)
    assert times[1] - times[0] < 1 / 8 < times[-1] - times[-2]
    assert solvers.times(8, "sway", 0) == solvers.times(8)


@pytest.mark.parametrize(
    "step, expected",
    [(0.3, (0, 0.3, 0.6, 0.9, 1)), (0.4, (0, 0.4, 0.8, 1)), (0.5, (0, 0.5, 1)), (1, (0, 1)), (3, (0, 1))],
)
def test_the_last_of_equal_steps_is_shortened_to_end_at_1(step, expected):
    assert solvers.times_from_step(step) == pytest.approx(expected)
    assert solvers.times_from_step(step)[-1] == 1


@pytest.mark.parametrize("n_steps", [1, 3, 6, 7, 10, 16, 49, 100])
def test_a_step_that_divides_1_makes_no_sliver_of_a_last_step(n_steps):
    assert len(solvers.times_from_step(1 / n_steps)) == n_steps + 1


@given(step=st.floats(0.01, 2))
def test_times_from_a_step_increase_to_1_by_no_more_than_the_step(step):
    times = np.array(solvers.times_from_step(step))
    assert times[-1] == 1
    assert np.all(np.diff(times) > 0) and np.all(np.diff(times) <= step * (1 + 1e-5))


@pytest.mark.parametrize(
    "call, known",
    [
        (lambda: solvers.integrate("eular", growth, 1.0, (0, 1)), solvers.SOLVERS),
        (lambda: solvers.nfe("rk5", 3), solvers.SOLVERS),
        (lambda: solvers.times(3, "cosine"), solvers.GRIDS),
    ],
)
def test_a_misspelt_name_is_an_error_that_lists_the_known_ones(call, known):
    with pytest.raises(SettingsError) as error:
        call()
    assert all(name in str(error.value) for name in known)


@pytest.mark.parametrize("times", [(), (0,), (0, 0), (0, 0.5, 0.4, 1)])
def test_times_that_do_not_increase_are_refused_before_the_first_step(times):
    with pytest.raises(SettingsError):
        solvers.integrate("euler", growth, 1.0, times)


@pytest.mark.parametrize(
    "call", [lambda: solvers.times(0), lambda: solvers.times(2.5), lambda: solvers.times(4, "sway", 2)]
)
def test_grids_that_cannot_be_are_refused(call):
    with pytest.raises(SettingsError):
        call()


@pytest.mark.parametrize("step", [0, -0.1, math.nan, math.inf])
def test_steps_that_cannot_be_are_refused(step):
    with pytest.raises(SettingsError):
        solvers.times_from_step(step)
