"""Tests hold the product by its public names only, so that its inside can change without them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
OURS = {"separation", "storage", "webapp", "assets", "benchmarks", "tests"}
PRIVATE = re.compile(r"_[^_]\w*")
# Public ones of the standard library, and one that packages of Demucs are written by, which has no other way.
ALLOWED = {"_replace", "_asdict", "_fields", "_make", "_init_args_kwargs"}
BY_NAME = {"getattr", "setattr", "delattr", "hasattr"}  # builtin, or of a MonkeyPatch


def private(name: object) -> bool:
    return isinstance(name, str) and PRIVATE.fullmatch(name) is not None and name not in ALLOWED


def private_names(source: str) -> list[str]:
    """Each place in a test that names something private of the product, as "line: code"."""
    tree = ast.parse(source)
    theirs = set(_names_of_others(tree))
    return [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.expr | ast.ImportFrom) and _names_a_private_one(node, theirs)
    ]


def _names_a_private_one(node: ast.expr | ast.ImportFrom, theirs: set[str]) -> bool:
    match node:
        case ast.ImportFrom(module=str(module), names=names):
            return module.split(".")[0] in OURS and any(private(alias.name) for alias in names)
        case (
            ast.Attribute(value=ast.Name(id="self" | "cls")) | ast.Attribute(value=ast.Call(func=ast.Name(id="super")))
        ):
            return False
        case ast.Attribute(value=owner, attr=name):
            return private(name) and _root(owner) not in theirs
        case ast.Call(func=ast.Name(id=how) | ast.Attribute(attr=how), args=[ast.Constant(value=str(path)), *_]):
            return how in BY_NAME and any(map(private, path.split("."))) and path.split(".")[0] in OURS
        case ast.Call(func=ast.Name(id=how) | ast.Attribute(attr=how), args=[owner, ast.Constant(value=name), *_]):
            return how in BY_NAME and private(name) and _root(owner) not in theirs
        case ast.Subscript(value=ast.Call(func=ast.Name(id="vars")), slice=ast.Constant(value=name)):
            return private(name)
    return False


def _root(node: ast.expr) -> str:
    """The name that an expression such as `a.b(c)[d]` begins with."""
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Call(func=inner):
                node = inner
            case _:
                return ""
    return node.id


def _names_of_others(tree: ast.Module) -> Iterator[str]:
    """What a file imports from elsewhere than this project."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (
                    alias.asname or alias.name.split(".")[0] for alias in names if alias.name.split(".")[0] not in OURS
                )
            case ast.ImportFrom(module=str(module), names=names) if module.split(".")[0] not in OURS:
                yield from (alias.asname or alias.name for alias in names)


def test_tests_name_nothing_private_of_the_product():
    found = [
        f"{path.relative_to(TESTS)}:{place}"
        for path in sorted(TESTS.rglob("*.py"))
        for place in private_names(path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "planted",
    [
        "store._index.use(key)",
        "assert jobs.queue[0]._closing.is_set()",
        "network.of(1)._codec",
        "from separation.results.runs import _decode",
        "from separation.hub import cache as hub\nmonkeypatch.setattr(hub, '_published', None)",
        "monkeypatch.setattr('separation.results.runs._decode', None)",
        "monkeypatch.setattr(store._there, 'x', None)",
        "getattr(store, '_scratch')",
        "vars(passcode)['_digest']",
        "def test(self):\n    self.jobs._tell(1)",
    ],
)
def test_a_planted_private_name_is_found(planted):
    assert len(private_names(planted)) == 1


@pytest.mark.parametrize(
    "allowed",
    [
        "class Fake:\n    def __init__(self):\n        self._count = 0",
        "import torch\nmonkeypatch.setattr(torch, '_int_mm', None)\ntorch.backends._x",
        "entry._replace(name='x')",
        "store.__class__.__name__",
        "measures = {'_s', '_mb'}",
        "from separation.results import runs as _runs",
    ],
)
def test_names_of_a_tests_own_or_of_other_packages_are_not(allowed):
    assert private_names(allowed) == []
