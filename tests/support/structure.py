"""Reads every import of the product and counts packages (rooms), layers, imports, upward ones and cycles.

    python -m tests.support.structure [FOLDER]

A room is a folder (each page and each element of the pages has its own); a loose file of a package is a room by itself.
An arrow is one room importing another, be it at the start, in a function or for the type checker. A floor is a step of
the longest path of arrows. `tests/test_structure.py` holds the numbers to what the architecture allows.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path

# From the roof to the ground: an arrow may only point down this list. A folder's line holds for all rooms in it, which
# are level with each other; they may import each other, though not in a circle.
ORDER = (
    "benchmarks",
    "webapp/__main__",
    "separation/cli",
    "webapp/main",
    "webapp/pages/compare",
    "webapp/pages/studio",
    "webapp/pages/library",
    "webapp/pages/models",
    "webapp/pages/settings",
    "webapp/pages/queue",  # a panel that pages open
    "webapp/pages/doctor",  # a card that two pages show
    "webapp/pages",
    "webapp/theme",
    "webapp/routes",
    "webapp/state",
    "webapp/components",  # elements know nothing of this program; what it keeps may be written in their terms
    "webapp/access",  # who may do what; elements say what they ask for
    "webapp/__init__",
    "separation/benchmark",
    "separation/doctor",
    "separation/workflows",
    "separation/comparing",
    "separation/stem_sets",
    "separation/results",
    "separation/estimates",
    "separation/__init__",  # the public names: those of the pipeline and of what lies below it
    "separation/pipeline",
    "separation/backends",
    "separation/models",
    "separation/hub",
    "separation/engine",
    "separation/hardware",
    "separation/listening",
    "separation/metrics",
    "separation/chunking",
    "separation/model",
    "separation/prompts",
    "separation/audio",
    "separation/export",
    "separation/request",
    "separation/plain",
    "separation/events",
    "separation/solvers",
    "separation/plain",
    "separation/formatted",
    "storage/records",  # tables of their own beside the artifacts
    "storage",
    "storage/recovery",  # knows files only
    "separation/errors",
    "assets",
)
PACKAGES = ("separation", "storage", "webapp", "benchmarks", "assets")
NOT_PRODUCT = ("assets/builtin/training",)  # how the weights are made
FOLDERS_OF_ROOMS = ("webapp/pages", "webapp/components")


@dataclass(frozen=True, slots=True)
class Import:
    """One import: the module it names and whether it happens as soon as the importing file is read."""

    module: str
    at_once: bool


@dataclass(frozen=True)
class Module:
    """One file of the product by its place from the root: `separation/audio/peaks.py`."""

    path: Path
    root: Path

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree, read when it is asked for: for all of the product that takes two seconds."""
        return ast.parse((self.root / self.path).read_text("utf-8"))

    @property
    def name(self) -> str:
        """What an import calls it: `separation.audio.peaks`."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str:
        """The folder it lies in, as ORDER writes it; the file itself if it lies loose in `separation` or `webapp`."""
        parts = self.path.with_suffix("").parts
        if len(parts) == 2:
            return "/".join(parts) if parts[0] in ("separation", "webapp") else parts[0]
        depth = 3 if "/".join(parts[:2]) in FOLDERS_OF_ROOMS and len(parts) > 3 else 2
        return "/".join(parts[:depth])

    def imports(self) -> Iterator[tuple[Import, ...]]:
        """Every import with the modules it may mean: `from a import b` is the module `a.b` if there is one."""
        yield from _imports(self.tree, self.path, at_once=True)


def _imports(node: ast.AST, path: Path, at_once: bool) -> Iterator[tuple[Import, ...]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((Import(alias.name, at_once),) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            above = path.parts[: len(path.parts) - child.level] if child.level else ()
            source = ".".join((*above, *([child.module] if child.module else [])))
            yield from ((Import(f"{source}.{alias.name}", at_once), Import(source, at_once)) for alias in child.names)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from _imports(child, path, at_once=False)
        else:
            waits = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(child, path, at_once and not waits)


@dataclass(frozen=True)
class House:
    """All modules of the product below `root`."""

    root: Path

    @cached_property
    def modules(self) -> dict[str, Module]:
        """The modules by their names."""
        paths = (path.relative_to(self.root) for package in PACKAGES for path in (self.root / package).rglob("*.py"))
        product = (path for path in sorted(paths) if not path.as_posix().startswith(NOT_PRODUCT))
        modules = (Module(path, self.root) for path in product)
        return {module.name: module for module in modules}

    @cached_property
    def imports(self) -> dict[str, frozenset[Import]]:
        """What each module imports: modules of the product, and of other packages as they are written."""
        return {name: frozenset(map(self._meant, module.imports())) for name, module in self.modules.items()}

    def _meant(self, candidates: tuple[Import, ...]) -> Import:
        return next((each for each in candidates if each.module in self.modules), candidates[-1])

    @cached_property
    def module_arrows(self) -> dict[str, set[str]]:
        """Module to modules of the product it imports, at whatever time."""
        return {
            name: {each.module for each in imports if each.module in self.modules} - {name}
            for name, imports in self.imports.items()
        }

    @cached_property
    def room_arrows(self) -> dict[str, set[str]]:
        """Room to rooms it imports."""
        arrows: dict[str, set[str]] = {module.room: set() for module in self.modules.values()}
        for name, targets in self.module_arrows.items():
            arrows[self.modules[name].room] |= {self.modules[target].room for target in targets}
        return {room: targets - {room} for room, targets in arrows.items()}

    def arrows_up(self) -> list[str]:
        """Each import that points up ORDER, as one line; and each room that has no place in it."""
        places = {room: _place(room) for room in self.room_arrows}
        lost = [f"{room} has no place in ORDER" for room, place in places.items() if place is None]
        return lost + [
            f"{name} imports {target}"
            for name, targets in self.module_arrows.items()
            for target in sorted(targets)
            if (_place(self.modules[name].room) or 0) > (_place(self.modules[target].room) or 0)
        ]

    def reached_at_once(self, start: str) -> set[str]:
        """All modules that are imported when the module `start` is, its packages' `__init__` files among them."""
        reached: set[str] = set()
        waiting = [start]
        while waiting:
            name = waiting.pop()
            if name in reached:
                continue
            reached.add(name)
            waiting += [each.module for each in self.imports.get(name, ()) if each.at_once]
            waiting += [name.rpartition(".")[0]] if "." in name else []
        return reached

    def classes(self) -> dict[str, list[str]]:
        """Every class name, private ones too, with the modules that define it."""
        defined: dict[str, list[str]] = {}
        for name, module in self.modules.items():
            for node in ast.walk(module.tree):
                if isinstance(node, ast.ClassDef):
                    defined.setdefault(node.name, []).append(name)
        return defined


def _place(room: str) -> int | None:
    """The line of ORDER that holds for a room."""
    return next((place for place, line in enumerate(ORDER) if f"{room}/".startswith(f"{line}/")), None)


def circles(arrows: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups that import each other in a circle, each sorted."""
    reach = {start: _reach(start, arrows) for start in arrows}
    groups = {frozenset(other for other in reach[start] if start in reach[other]) for start in arrows}
    return sorted(sorted(group) for group in groups if group)


def _reach(start: str, arrows: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        news = arrows[waiting.pop()] - reached
        reached |= news
        waiting += news
    return reached


def floors(arrows: Mapping[str, set[str]]) -> list[list[str]]:
    """The rooms by floor, ground first: one above the highest that it imports. A circle counts as one room."""
    one = {member: ", ".join(group) for group in circles(arrows) for member in group}
    merged: dict[str, set[str]] = {}
    for room, targets in arrows.items():
        merged.setdefault(one.get(room, room), set()).update(one.get(target, target) for target in targets)
    sorter = TopologicalSorter({room: targets - {room} for room, targets in merged.items()})
    sorter.prepare()
    levels = []
    while sorter.is_active():
        levels.append(sorted(sorter.get_ready()))
        sorter.done(*levels[-1])
    return levels


def _within(package: str, arrows: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Only the rooms of one package and the arrows between them."""
    return {
        room: {target for target in targets if target.split("/")[0] == package}
        for room, targets in arrows.items()
        if room.split("/")[0] == package
    }


def _counts(title: str, arrows: Mapping[str, set[str]]) -> str:
    n_arrows = sum(map(len, arrows.values()))
    return f"{title:12} {len(arrows):3} rooms {len(floors(arrows)):3} floors {n_arrows:4} arrows"


def report(house: House) -> Iterable[str]:
    """The numbers, and whatever is wrong by name."""
    for package in PACKAGES:
        yield _counts(package, _within(package, house.room_arrows))
    yield _counts("all", house.room_arrows)
    yield ""
    for level, rooms in reversed(list(enumerate(floors(house.room_arrows)))):
        yield f"floor {level:2}: {', '.join(rooms)}"
    wrongs = {
        "arrows up": house.arrows_up(),
        "circles of modules": [" <-> ".join(circle) for circle in circles(house.module_arrows)],
        "circles of rooms": [" <-> ".join(circle) for circle in circles(house.room_arrows)],
    }
    for title, found in wrongs.items():
        yield f"\n{title}: {len(found)}"
        yield from (f"  {line}" for line in found)


if __name__ == "__main__":
    print(*report(House(Path(sys.argv[1] if len(sys.argv) > 1 else "."))), sep="\n")
