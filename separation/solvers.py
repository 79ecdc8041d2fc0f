"""Explicit solvers for dx/dt = v(x, t): pure functions of anything that adds and scales (NumPy, torch, mlx, floats).

In flow matching `t` runs from 0 (noise) to 1 (audio). The list of times is given, never a step count to round, so an
integration cannot stop short of t = 1. Yielding after every step leaves progress and cancellation to the caller.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from separation.errors import SettingsError

X = TypeVar("X")
VelocityField = Callable[[X, float], X]

Steps = Callable[[VelocityField[Any], Any, Sequence[float]], Iterator[Any]]

GRIDS = ("uniform", "sway")
MAX_SWAY = 2 / (math.pi - 2)  # beyond it, or below -1, sway sampling would step backwards in time


@dataclass(frozen=True, kw_only=True, slots=True)
class Solver:
    """A numerical method for integrating a velocity field, with its label, order and cost.

    Args:
        label: its name for a person.
        order: the error of an integration falls with this power of the length of its steps.
        evaluations: calls of the velocity field for each step, which is what time goes with.
        more_at_first: further calls, in the first step.
        steps: called with a velocity field, a state and times; yields the state after each step.
    """

    label: str
    order: int
    evaluations: int
    more_at_first: int = 0
    steps: Steps


def integrate(method: str, velocity: VelocityField[X], x: X, times: Sequence[float]) -> Iterator[X]:
    """Carry `x` along the velocity field through `times`, yielding the state after each step.

    Raises:
        SettingsError: at once, for an unknown method, or times that are fewer than two or do not increase.
    """
    solver = solver_named(method)
    if len(times) < 2 or any(not t < t_next for t, t_next in pairwise(times)):
        raise SettingsError(
            "These solver times cannot be stepped through.",
            f"They are {', '.join(f'{t:g}' for t in times) or 'empty'}; each has to be later than the one before.",
            "Make them with solvers.times(n_steps).",
        )
    return solver.steps(velocity, x, times)


def nfe(method: str, n_steps: int) -> int:
    """Return the number of evaluations of the velocity field in `n_steps` steps."""
    solver = solver_named(method)
    return n_steps * solver.evaluations + solver.more_at_first


def times(n_steps: int, grid: str = "uniform", sway: float = -1.0) -> tuple[float, ...]:
    """Return n_steps + 1 times from 0 to exactly 1.

    Args:
        n_steps: at least 1.
        grid: "uniform", or "sway": sway sampling, t = u + s (cos(pi u / 2) - 1 + u), Chen et al. 2024 (F5-TTS), eq. 7.
        sway: the s of the sway grid, between -1 and 2 / (pi - 2) = 1.75. Below 0 the steps are shorter near the noise,
            above 0 near the audio; 0 is uniform.
    """
    if grid not in GRIDS:
        raise _unknown("grid", grid, GRIDS)
    if isinstance(n_steps, bool) or not isinstance(n_steps, int) or n_steps < 1:
        raise SettingsError(f"n_steps={n_steps!r} is out of range.", "", "Take one step or more.")
    if not -1 <= sway <= MAX_SWAY:
        raise SettingsError(
            f"sway={sway!r} is out of range.",
            "Outside it the times would not increase.",
            f"Choose it between -1 and {MAX_SWAY:.2f}.",
        )
    strength = sway if grid == "sway" else 0.0
    uniform = [step / n_steps for step in range(n_steps)]
    return (*(u + strength * (math.cos(0.5 * math.pi * u) - 1 + u) for u in uniform), 1.0)


def times_from_step(step_size: float) -> tuple[float, ...]:
    """Return times of equal steps, the last shortened to end at 1, as the official code: 0.3 -> 0 .3 .6 .9 1."""
    if not (math.isfinite(step_size) and step_size >= 1e-3):
        raise SettingsError(f"step_size={step_size!r} is out of range.", "", "Choose a step of 0.001 or longer.")
    # 1 / (1/3) may come out a hair above 3: without the margin it would make a fourth step of no length.
    n_steps = max(1, math.ceil(1 / step_size - 1e-6))
    return (*(step * step_size for step in range(n_steps)), 1.0)


def euler(velocity: VelocityField[Any], x: Any, t: float, dt: float) -> Any:
    """One explicit Euler step: order 1, one evaluation."""
    return x + dt * velocity(x, t)


def midpoint(velocity: VelocityField[Any], x: Any, t: float, dt: float) -> Any:
    """One explicit midpoint step: order 2, two evaluations."""
    halfway = x + 0.5 * dt * velocity(x, t)
    return x + dt * velocity(halfway, t + 0.5 * dt)


def heun(velocity: VelocityField[Any], x: Any, t: float, dt: float) -> Any:
    """One step of Heun's method, the explicit trapezoid: order 2, two evaluations."""
    start = velocity(x, t)
    stop = velocity(x + dt * start, t + dt)
    return x + 0.5 * dt * (start + stop)


def rk4(velocity: VelocityField[Any], x: Any, t: float, dt: float) -> Any:
    """One step of Kutta's 3/8 rule (1901): order 4, four evaluations; what torchdiffeq calls rk4."""
    third = dt / 3
    k1 = velocity(x, t)
    k2 = velocity(x + third * k1, t + third)
    k3 = velocity(x + dt * (k2 - 1 / 3 * k1), t + 2 * third)
    k4 = velocity(x + dt * (k1 - k2 + k3), t + dt)
    return x + dt / 8 * (k1 + 3 * (k2 + k3) + k4)


def ab2(velocity: VelocityField[Any], x: Any, times: Sequence[float]) -> Iterator[Any]:
    """Two-step Adams-Bashforth: order 2 for one evaluation a step, after a first midpoint step of two.

    With steps of unequal length h and the ratio r = h_n / h_(n-1), the line through the last two velocities integrates
    to h ((1 + r/2) v_n - r/2 v_(n-1)); Hairer, Norsett and Wanner, Solving ODEs I, sec. III.5.
    """
    t, dt = times[0], times[1] - times[0]
    before = velocity(x, t)
    x = x + dt * velocity(x + 0.5 * dt * before, t + 0.5 * dt)
    yield x
    for t, t_next in pairwise(times[1:]):
        ratio, dt = (t_next - t) / dt, t_next - t
        now = velocity(x, t)
        x = x + dt * ((1 + 0.5 * ratio) * now - 0.5 * ratio * before)
        before = now
        yield x


def solver_named(name: str) -> Solver:
    """Return the solver of this name; raise `SettingsError`, which lists the known ones, for another."""
    if name not in SOLVERS:
        raise _unknown("solver", name, SOLVERS)
    return SOLVERS[name]


def _unknown(what: str, name: str, known: Iterable[str]) -> SettingsError:
    return SettingsError(f"There is no {what} “{name}”.", "", f"Choose one of: {', '.join(known)}.")


def _single_steps(step: Callable[[VelocityField[Any], Any, float, float], Any]) -> Steps:
    def steps(velocity: VelocityField[Any], x: Any, times: Sequence[float]) -> Iterator[Any]:
        for t, t_next in pairwise(times):
            x = step(velocity, x, t, t_next - t)
            yield x

    return steps


SOLVERS = {
    "euler": Solver(label="Euler", order=1, evaluations=1, steps=_single_steps(euler)),
    "midpoint": Solver(label="Midpoint", order=2, evaluations=2, steps=_single_steps(midpoint)),
    "heun": Solver(label="Heun", order=2, evaluations=2, steps=_single_steps(heun)),
    "rk4": Solver(label="Runge-Kutta 4", order=4, evaluations=4, steps=_single_steps(rk4)),
    "ab2": Solver(label="Adams-Bashforth 2", order=2, evaluations=1, more_at_first=1, steps=ab2),
}
