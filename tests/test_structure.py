"""The house keeps its shape: each rule of the architecture, and a planted file that proves that the rule can fail."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.structure import PACKAGES, House, circles, floors, report

ROOT = Path(__file__).parents[1]
LOOSE_FILES, MODULES_IN_A_FOLDER, PRODUCT_LINES, TEST_LINES = 8, 18, 400, 500
KINDS = ("*.py", "*.js")  # of modules
FRAMEWORKS = {"torch", "demucs", "mlx", "mlx_audio", "transformers", "distributed", "dask", "sam_audio"}
TABLES = {"info", "config"}
TAKES_BY_KEY = ("get", "check", "list", "amend", "remove", "trash", "restore", "pin")  # methods of the store
KNOW_MANIFESTS = ("separation/results/kept.py", "separation/results/kept_chunks.py")
GROUND = {"separation.errors"}  # what storage shares with separation


def circles_of_modules(house: House) -> list[str]:
    return [" <-> ".join(circle) for circle in circles(house.module_arrows)]


def circles_of_rooms(house: House) -> list[str]:
    return [" <-> ".join(circle) for circle in circles(house.room_arrows)]


def arrows_up(house: House) -> list[str]:
    return house.arrows_up()


def loose_files(house: House) -> list[str]:
    loose = sorted(path.name for path in (house.root / "separation").glob("*.py"))
    return loose if len(loose) > LOOSE_FILES else []


def crowded_folders(house: House) -> list[str]:
    folders = sorted({module.path.parent for module in house.modules.values()})
    n_modules = {(folder, kind): len(list((house.root / folder).glob(kind))) for folder in folders for kind in KINDS}
    return [f"{folder}: {n} modules ({kind})" for (folder, kind), n in n_modules.items() if n > MODULES_IN_A_FOLDER]


def long_files(house: House) -> list[str]:
    limits = dict.fromkeys(PACKAGES, PRODUCT_LINES) | {"tests": TEST_LINES}
    return [
        f"{path.relative_to(house.root)}: {n_lines} lines"
        for folder, limit in limits.items()
        for kind in ("py", "js", "css")
        for path in sorted((house.root / folder).rglob(f"*.{kind}"))
        if (n_lines := len(path.read_text("utf-8").splitlines())) > limit
    ]


def classes_of_the_same_name(house: House) -> list[str]:
    return [f"{name}: {', '.join(modules)}" for name, modules in house.classes().items() if len(modules) > 1]


def packages_that_know_too_much(house: House) -> list[str]:
    found = []
    for name, imports in house.imports.items():
        for each in imports:
            package = each.module.split(".")[0]
            if name.startswith("storage"):
                wrong = package == "webapp" or (package == "separation" and each.module not in GROUND)
            elif name.startswith("separation") and not name.startswith("separation.cli"):
                wrong = package in ("storage", "webapp")
            else:
                wrong = False
            if wrong:
                found.append(f"{name} imports {each.module}")
    return found


def pages_that_reach_a_framework(house: House) -> list[str]:
    found = []
    for name in (name for name in house.modules if name.startswith("webapp")):
        reached = {module.split(".")[0] for module in house.reached_at_once(name)}
        later = {each.module.split(".")[0] for each in house.imports[name]}
        found += [f"{name} reaches {framework}" for framework in sorted(FRAMEWORKS & (reached | later))]
    return found


def look_ups_in_a_manifest(house: House) -> list[str]:
    """What people have kept is a `Recording` or a `Result`; only the file that makes them looks into the tables."""

    def of_a_manifest(node: ast.expr) -> bool:
        return (isinstance(node, ast.Attribute) and node.attr in TABLES) or (
            isinstance(node, ast.Name) and node.id in TABLES
        )

    return [
        f"{module.path}:{node.lineno}"
        for module in house.modules.values()
        if module.path.as_posix() not in KNOW_MANIFESTS
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Subscript) and of_a_manifest(node.value))
        or (isinstance(node, ast.Attribute) and node.attr == "get" and of_a_manifest(node.value))
    ]


def items_taken_past_their_owner(house: House) -> list[str]:
    """Pages take what is kept from the library as their visitor sees it; the store itself asks nobody whose it is."""

    def of_the_store(node: ast.expr) -> bool:
        return ast.unparse(node).rpartition(".")[2] in ("store", "_store")

    return [
        f"{module.path}:{node.lineno}"
        for module in house.modules.values()
        if module.path.as_posix().startswith("webapp/pages/")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in TAKES_BY_KEY and of_the_store(node.value)
    ]


Rule = Callable[[House], list[str]]
FOR_TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    "
LONG = "\n" * (PRODUCT_LINES + 1)
# What breaks each rule, as files of an otherwise empty project.
PLANTED: dict[Rule, dict[str, str]] = {
    circles_of_modules: {
        "separation/audio/a.py": "def f():\n    import separation.audio.b",
        "separation/audio/b.py": f"{FOR_TYPES}from separation.audio import a",
    },
    circles_of_rooms: {
        "separation/audio/a.py": "import separation.hub.b",
        "separation/hub/b.py": "",
        "separation/hub/c.py": "from ..audio import a",
    },
    arrows_up: {
        "separation/audio/a.py": "def f():\n    from separation.pipeline import b",
        "separation/pipeline/b.py": "",
    },
    loose_files: {f"separation/{index}.py": "" for index in range(LOOSE_FILES + 1)},
    crowded_folders: {f"webapp/state/{index}.py": "" for index in range(MODULES_IN_A_FOLDER + 1)},
    long_files: {"webapp/components/a/a.js": LONG},
    classes_of_the_same_name: {
        "storage/a.py": "class _Same: pass",
        "webapp/state/b.py": "def f():\n    class _Same: pass",
    },
    packages_that_know_too_much: {"separation/pipeline/a.py": "def f():\n    import storage.keys"},
    look_ups_in_a_manifest: {"webapp/pages/a.py": "def f(recording):\n    return recording.info['n_samples']"},
    items_taken_past_their_owner: {"webapp/pages/a.py": "def f(view, key):\n    return view.store.get(key)"},
    pages_that_reach_a_framework: {
        "webapp/pages/a.py": "from separation.models.b import c",
        "separation/models/b.py": "import torch.nn",
    },
}


def planted(root: Path, files: dict[str, str]) -> House:
    for place, source in files.items():
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
    return House(root)


@pytest.fixture(scope="module")
def house() -> House:
    """The product as it stands."""
    return House(ROOT)


@pytest.mark.parametrize("rule", PLANTED, ids=lambda rule: rule.__name__)
def test_the_product_has_no(rule: Rule, house: House) -> None:
    assert rule(house) == []


@pytest.mark.parametrize("rule", PLANTED, ids=lambda rule: rule.__name__)
def test_a_planted_file_is_found_by_the_rule_of(rule: Rule, tmp_path: Path) -> None:
    assert rule(planted(tmp_path, PLANTED[rule])) != []


@pytest.mark.parametrize(
    "source", ["x = manifest.config.get('model')", "info = manifest.info\nn = info['n_samples']", "config['a'] = 1"]
)
def test_no_look_up_in_a_manifest_is_overlooked(source: str, tmp_path: Path) -> None:
    assert look_ups_in_a_manifest(planted(tmp_path, {"webapp/state/a.py": source})) != []


@pytest.mark.parametrize(
    "place, source",
    [
        ("storage/a.py", "from separation.request import Request"),
        ("storage/a.py", f"{FOR_TYPES}import webapp.state.b"),
        ("separation/audio/a.py", "from webapp.components import words"),
    ],
)
def test_neither_package_knows_what_is_not_its_business(place: str, source: str, tmp_path: Path) -> None:
    assert packages_that_know_too_much(planted(tmp_path, {place: source})) != []


def test_the_terminal_may_know_all_and_storage_the_shape_of_errors(tmp_path: Path) -> None:
    files = {
        "separation/cli/a.py": "import storage, webapp.main",
        "storage/b.py": "from separation.errors import PlaygroundError",
        "separation/errors.py": "class PlaygroundError(Exception): pass",
    }
    assert packages_that_know_too_much(planted(tmp_path, files)) == []


def test_a_page_may_not_import_a_framework_even_in_a_function(tmp_path: Path) -> None:
    files = {"webapp/pages/a.py": "def f():\n    import torch"}
    assert pages_that_reach_a_framework(planted(tmp_path, files)) == ["webapp.pages.a reaches torch"]


def test_a_framework_that_a_model_imports_when_it_is_loaded_is_not_reached_by_a_page(tmp_path: Path) -> None:
    files = {
        "webapp/pages/a.py": "import separation.models.b",
        "separation/models/b.py": "def load():\n    import torch",
    }
    assert pages_that_reach_a_framework(planted(tmp_path, files)) == []


def test_a_test_of_more_lines_is_found_too(tmp_path: Path) -> None:
    files = {"tests/a.py": "\n" * (TEST_LINES + 1), "tests/b.py": "\n" * TEST_LINES}
    assert long_files(planted(tmp_path, files)) == [f"tests/a.py: {TEST_LINES + 1} lines"]


def test_a_room_without_a_place_in_the_order_is_found(tmp_path: Path) -> None:
    assert arrows_up(planted(tmp_path, {"separation/cellar/a.py": ""})) == ["separation/cellar has no place in ORDER"]


def test_rooms_floors_and_arrows_are_counted(tmp_path: Path) -> None:
    files = {
        "separation/audio/a.py": "from separation import errors, request",
        "separation/request.py": "from separation.errors import x, y",
        "separation/errors.py": "import json",
        "webapp/pages/studio/b.py": "from separation.audio.a import f",
        "webapp/pages/studio/c.py": "from . import b\nfrom .b import g",
    }
    house = planted(tmp_path, files)
    assert house.room_arrows == {
        "separation/audio": {"separation/errors", "separation/request"},
        "separation/request": {"separation/errors"},
        "separation/errors": set(),
        "webapp/pages/studio": {"separation/audio"},
    }
    assert floors(house.room_arrows) == [
        ["separation/errors"],
        ["separation/request"],
        ["separation/audio"],
        ["webapp/pages/studio"],
    ]
    assert house.module_arrows["webapp.pages.studio.c"] == {"webapp.pages.studio.b"}
    assert "all            4 rooms   4 floors    4 arrows" in report(house)


def test_a_circle_is_one_place_on_its_floor() -> None:
    arrows: dict[str, set[str]] = {"roof": {"east"}, "east": {"west"}, "west": {"east", "ground"}, "ground": set()}
    assert floors(arrows) == [["ground"], ["east, west"], ["roof"]]
