"""A backend tells what it knows: nothing else compares with its name, or looks something up by it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from separation.backends import registry

ROOT = Path(__file__).parents[2]
PRODUCT = ("separation", "storage", "webapp")
# Where a backend and its family live. What the terminal and a `Request` call them is data there, never compared.
AT_HOME = ("separation/backends/", "separation/models/")
# “speech” is a sound too, and the name of settings; whoever looks that up does not switch on the backend.
ALSO_SOUNDS = frozenset(name for name, backend in registry.BACKENDS.items() if name in backend.stems())
NAMES = frozenset({*registry.BACKENDS, registry.SAM_AUDIO}) - ALSO_SOUNDS
HALVES = frozenset({"startswith", "endswith", "removeprefix", "removesuffix", "partition", "split"})


@pytest.fixture(scope="module")
def modules() -> dict[str, ast.Module]:
    """Every module of the product by its path."""
    files = [file for package in PRODUCT for file in sorted((ROOT / package).rglob("*.py"))]
    return {file.relative_to(ROOT).as_posix(): ast.parse(file.read_text("utf-8")) for file in files}


def constants(modules: dict[str, ast.Module]) -> frozenset[str]:
    """Names of module constants that hold a backend's name, such as SAM_AUDIO."""
    found: set[str] = set()
    assigned = [one for module in modules.values() for one in module.body if isinstance(one, ast.Assign)]
    for one in assigned:
        targets = [target.id for target in one.targets if isinstance(target, ast.Name)]
        match one.value:
            case ast.Constant(value=str(text)) if text in NAMES:
                found.update(targets)
            case ast.Attribute(attr="NAME"):  # a family's, under another name
                found.update(targets)
    return frozenset(found)


def switches(module: ast.AST, known: frozenset[str] = frozenset()) -> Iterator[int]:
    """Lines that depend on a backend's name."""
    for node in ast.walk(module):
        match node:
            case ast.Compare(left=left, comparators=others) if any(is_name(one, known) for one in (left, *others)):
                yield node.lineno
            case ast.MatchValue(value=value) if is_name(value, known):
                yield value.lineno
            case ast.Dict(keys=keys) if any(key is not None and is_name(key, known) for key in keys):
                yield node.lineno
            case ast.Subscript(slice=key) if is_name(key, known):
                yield node.lineno
            case ast.Call(func=ast.Attribute(attr=method), args=[ast.Constant(value=str(part)), *_]) if (
                method in HALVES and any(part != name and len(part) > 2 and part in name for name in NAMES)
            ):
                yield node.lineno


def is_name(node: ast.AST, known: frozenset[str]) -> bool:
    """Whether an expression is a backend's name, or a collection with one in it."""
    match node:
        case ast.Constant(value=str(text)):
            return text in NAMES
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in known:
            return True
        case ast.Attribute(value=ast.Name(id=kind), attr="name"):
            return kind.endswith("Backend")
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items) | ast.Call(args=items):
            return any(is_name(item, known) for item in items)
    return False


def test_nothing_but_the_backends_themselves_switches_on_a_backends_name(modules):
    known = constants(modules)
    found = [
        f"{path}:{line}"
        for path, module in modules.items()
        if not path.startswith(AT_HOME)
        for line in switches(module, known)
    ]
    assert not found, "ask the backend instead (separation.model.Backend): " + ", ".join(found)


def test_the_places_that_know_their_own_names_are_found_by_the_same_search(modules):
    assert list(switches(modules["separation/backends/registry.py"], constants(modules)))
    assert "SAM_AUDIO" in constants(modules)


@pytest.mark.parametrize(
    "planted",
    [
        'request.backend == "demucs"',
        '"builtin" != name',
        'name in ("builtin", "builtin-dsp")',
        'name in frozenset({"sam_torch"})',
        "asked.backend == registry.SAM_AUDIO",
        "name == BuiltinBackend.name",
        'match name:\n    case "sam_mlx" | "other":\n        pass',
        'LOADED = {"demucs": 650.0}',
        'LOADED["demucs"]',
        'name.startswith("sam_")',
        'name.removesuffix("-dsp")',
    ],
)
def test_a_switch_is_found(planted):
    assert list(switches(ast.parse(planted), frozenset({"SAM_AUDIO"})))


@pytest.mark.parametrize(
    "harmless",
    [
        "request.backend == other.backend",
        "request.backend == registry.AUTO",
        'Request.of("drums", backend="builtin")',
        'PACKAGES = ("numpy", "demucs")',
        "RequestField.DEMUCS in backend.uses(request)",
        'name.removesuffix(".wav")',
    ],
)
def test_naming_a_backend_or_a_package_is_no_switch(harmless):
    assert not list(switches(ast.parse(harmless), frozenset({"SAM_AUDIO"})))
