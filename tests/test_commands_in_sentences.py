"""No sentence of the program names a command of a terminal: an `Action` does, of which a page draws a button."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from separation.errors import Action
from tests.support.typed import TYPED

ROOT = Path(__file__).parents[1]
# Where commands are made: those of actions, of the terminal, and of the text that repeats a run in one.
TERMINAL = (
    "separation/errors.py",
    "separation/cli/",
    "separation/results/commands.py",
    "separation/estimates/fallbacks.py",  # options, for the terminal alone
)
# What begins with the name of the program and is no command that does anything about an error.
HEADING = "# A recipe of Audio Playground: audio-playground extract recipe RECORDING THIS-FILE\n"
FILLED_IN = "X"


def sentences(source: str) -> Iterator[str]:
    """Yield the texts of a module that are no docstrings, each as one where it is put together."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else FILLED_IN for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (docstrings | parts):
            yield node.value


def naming_a_command(root: Path) -> list[str]:
    """Return the sentences that name a command, each with its file."""
    found = []
    for package in ("separation", "storage", "webapp"):
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if not name.startswith(TERMINAL):
                texts = sentences(path.read_text("utf-8"))
                found += [f"{name}: {text}" for text in texts if TYPED.search(text) and text != HEADING]
    return found


def test_no_sentence_names_a_command() -> None:
    assert naming_a_command(ROOT) == []


@pytest.mark.parametrize(
    "sentence",
    [
        '"Install it with “pip install demucs”."',
        'f"Run “audio-playground models download {name}”."',
        '"Keep it with “hf auth login”."',
        '("Run it " "with “extract demucs --download”.")',
        'f"Start with --model-folder {name}."',
    ],
)
@pytest.mark.parametrize("place", ["separation/hub/a.py", "storage/b.py", "webapp/pages/c.py"])
def test_a_sentence_that_names_one_is_found(sentence: str, place: str, tmp_path: Path) -> None:
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text(f"def f(name):\n    return {sentence}\n", "utf-8")
    assert len(naming_a_command(tmp_path)) == 1


@pytest.mark.parametrize(
    "action",
    [
        Action.download("small"),
        Action.accept_licence("small"),
        Action.new_revision("small"),
        Action.download_with_run("demucs", "abc"),
        Action.choose_sources(),
        Action.sign_in("small"),
        Action.install("demucs"),
        Action.start_worker("tcp://there:1"),
        Action.take_folder(Path("music"), "*.wav"),
        Action.name_folder(),
    ],
    ids=lambda action: action.label,
)
def test_every_action_has_a_command_and_a_label_without_one(action: Action) -> None:
    assert action.commands and all(TYPED.search(command) for command in action.commands)
    assert not TYPED.search(action.label) and re.match(r"[A-Z].*[^.]$", action.label)
