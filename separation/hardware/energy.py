"""The energy that this computer's processors take, where the system tells it.

Linux shows the counters of Intel and AMD processors (RAPL, “running average power limit”) as files; most systems let
only the administrator read them. A counter begins again at its `max_energy_range_uj`. Laptops have one more, “psys”, of
the whole computer, in which the packages are counted too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


class EnergyMeter:
    """Measures all processor packages from now on.

    Args:
        folder: where the system shows the counters.
    """

    def __init__(self, folder: Path = POWERCAP) -> None:
        self._folder = folder
        self._before = _counters(folder)

    def joules(self) -> float | None:
        """Return the energy since it was made, in J; None where the system does not tell."""
        after = _counters(self._folder)
        used = [_passed(before, after[path]) for path, before in self._before.items() if path in after]
        return sum(used) / 1e6 if used else None


def _counters(folder: Path) -> Mapping[Path, tuple[int, int]]:
    """Return the count and the range of each package, in µJ."""
    found = {}
    for package in sorted(folder.glob("*-rapl:*")):
        try:
            name, count, most = ((package / file).read_text() for file in ("name", "energy_uj", "max_energy_range_uj"))
            if name.startswith("package"):  # not its parts, such as “core”, which it counts too
                found[package] = int(count), int(most)
        except (OSError, ValueError):
            continue
    return found


def _passed(before: tuple[int, int], after: tuple[int, int]) -> int:
    passed = after[0] - before[0]
    return passed if passed >= 0 else passed + after[1]
