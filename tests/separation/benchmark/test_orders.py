"""The order of a solver as the slope of its error against evaluations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from separation import solvers
from separation.benchmark.orders import floor_of, order_of


def errors_of(method, steps=(16, 32, 64, 128)):
    """Evaluations and error in dB of a solver on x' = -2 t x, whose solution is known."""
    exact = math.exp(-1)
    found = []
    for n_steps in steps:
        *_, x = solvers.integrate(method, lambda x, t: -2 * t * x, 1.0, solvers.times(n_steps))
        found.append((solvers.nfe(method, n_steps), 20 * math.log10(abs(x - exact) / exact)))
    return found


@pytest.mark.parametrize("method, solver", solvers.SOLVERS.items())
def test_the_slope_is_the_order_of_the_solver(method, solver):
    assert order_of(errors_of(method)) == pytest.approx(solver.order, abs=0.2)


def test_points_may_come_in_any_order_and_lack_an_error():
    known = errors_of("midpoint")
    assert order_of([*reversed(known), (3, None), (5, math.nan)]) == pytest.approx(order_of(known))


@pytest.mark.parametrize("floor_db", [-60.0, -75.0, -90.0])
@pytest.mark.parametrize("order", [1, 2, 4])
def test_points_at_the_floor_are_ignored(order, floor_db):
    """Where errors add up in energy, as that of the solver and that of the reference do."""
    steps = 2.0 ** np.arange(1, 12)
    of_solver = -20 * order * np.log10(steps)
    both = 10 * np.log10(10 ** (of_solver / 10) + 10 ** (floor_db / 10))
    assert order_of(list(zip(steps, both, strict=True))) == pytest.approx(order, abs=0.15)


def test_a_floor_that_another_solver_has_shown_counts_for_all():
    at_floor = [(8, -50.0), (16, -80.0), (32, -80.0)]
    assert floor_of([at_floor, errors_of("euler")]) == -80.0
    # The last point is 2 dB above the floor: of its fall only a part is left.
    short = [(4, -40.0), (8, -64.0), (16, -78.0)]
    assert order_of(short, -80.0) == pytest.approx(24 / (20 * math.log10(2)))


def test_there_is_none_with_fewer_than_two_points_above_the_floor():
    assert order_of([]) is None
    assert order_of([(4, -20.0)]) is None
    assert order_of([(4, -20.0), (4, -21.0)]) is None
    assert order_of([(4, -80.0), (8, -80.1), (16, -79.9)]) is None
    assert floor_of([[(4, -20.0), (8, -26.0)]]) is None
