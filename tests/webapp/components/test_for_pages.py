"""What pages say names no command of a terminal: every text of the program that names one has other words there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from separation.hub.account import LOGIN
from webapp.components.pieces.for_pages import for_pages

ROOT = Path(__file__).parents[3]
TYPED = re.compile(r"pip install|audio-playground (?!\w+ is\b)[a-z]+|hf auth|“extract |--download")
# Of the terminal alone: its own commands; a pattern of files, which only it takes; the file name of the hub's command.
TERMINAL = {"separation/cli", "separation/results/commands.py", "separation/workflows", "separation/audio/decode.py"}
MARK = "X"  # stands for what is filled in


def texts(path: Path):
    """The texts of a module that are no docstrings, as one each where they are put together."""
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(map(filled_in, node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (docstrings | parts):
            yield node.value


def filled_in(part: ast.expr) -> str:
    """A piece of a text; the constant with the hub's command is spelt out."""
    match part:
        case ast.Constant(value=str(text)):
            return text
        case ast.FormattedValue(value=ast.Name(id="LOGIN") | ast.Attribute(attr="LOGIN")):
            return LOGIN
    return MARK


def naming_a_command():
    for package in ("separation", "storage", "webapp"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name != "webapp/components/pieces/for_pages.py" and not any(name.startswith(own) for own in TERMINAL):
                for text in texts(path):
                    if TYPED.search(text) and text != LOGIN:
                        yield pytest.param(text, id=f"{name}: {text[:40]}")


@pytest.mark.parametrize("text", list(naming_a_command()))
def test_a_text_that_names_a_command_has_other_words_on_pages(text: str) -> None:
    assert not TYPED.search(for_pages(text)), for_pages(text)


@pytest.mark.parametrize(
    ("typed", "page"),
    [
        ("Install it with “pip install demucs” and start again.", "Install the package “demucs” and start again."),
        ('Install it anew with “pip install "a-b>=0.6,<0.7"”, or', "Install the package “a-b” anew, or"),
        ("Install it: pip install transformers", "Install it."),
        ("Install it (pip install diffq), or choose", "Install it, or choose"),
        ("Then run “audio-playground models download small”.", "Then download it on the Models page."),
        ("Download it again: “audio-playground models download small”.", "Download it again on the Models page."),
        ("Keep it here with “hf auth login”; then go on.", "Keep it on the Models page; then go on."),
        ("Nothing of the kind.", "Nothing of the kind."),
    ],
)
def test_a_page_is_named_instead_or_plain_words(typed: str, page: str) -> None:
    assert for_pages(typed) == page
