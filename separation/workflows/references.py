"""Parses and fills references such as `${song}`, `${stems.files[0]}`, `${stems.tracks.everything else}` in texts.

A reference names a value and, if that is a table or a list, the path into it; `$${` is a plain `${`. Nothing is
computed: there are no expressions, no environment and no commands, so a text from a stranger can only name values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from separation.errors import SettingsError

NAME = r"[A-Za-z_][\w-]*"
_STEP = r"""\.[^.\[\]{}"]+|\[\d+\]|\["[^"]*"\]"""
_REFERENCE = re.compile(rf"\$\{{({NAME})((?:{_STEP})*)\}}", re.ASCII)
_PIECE = re.compile(r"\$\$\{|\$\{[^}]*\}?")


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference as it is written, the name it begins with, and the path from there: keys and numbers."""

    text: str
    name: str
    way: tuple[str | int, ...]

    def find(self, values: Mapping[str, Any]) -> Any:
        """Return the value that it refers to.

        Raises:
            SettingsError: there is no such value; the message lists those there are.
        """
        found = values[self.name]
        gone = self.name
        for step in self.way:
            is_list = isinstance(found, (list, tuple))
            if not (isinstance(step, int) and step < len(found) if is_list else _has(found, step)):
                raise _nowhere(self, gone, found)
            found = found[step]
            gone += f"[{step}]" if isinstance(step, int) else f".{step}"
        if isinstance(found, Mapping):
            raise SettingsError(
                f"{self.text} is a table.", f"It has: {', '.join(map(str, found)) or 'nothing'}.", "Name one of them."
            )
        return found


Template: TypeAlias = tuple[str | Reference, ...]


def parse_template(text: str) -> Template:
    """Split a text into plain pieces and references.

    Raises:
        SettingsError: a part begins like a reference but is none.
    """
    pieces: list[str | Reference] = []
    end = 0
    for piece in _PIECE.finditer(text):
        pieces += [text[end : piece.start()], "${" if piece[0] == "$${" else _reference(piece[0])]
        end = piece.end()
    return tuple(piece for piece in (*pieces, text[end:]) if piece != "")


def fill(template: Template, values: Mapping[str, Any]) -> list[Template]:
    """Fill a template with the known `values`; a reference that is the whole text and means a list gives several.

    Raises:
        SettingsError: a reference leads nowhere, or to a list or nothing in the middle of a text.
    """
    (first, *more) = template or ("",)
    if isinstance(first, Reference) and not more and first.name in values:
        found = first.find(values)
        return [(_text(first, item),) for item in (found if isinstance(found, (list, tuple)) else [found])]
    return [
        tuple(
            _text(piece, piece.find(values)) if isinstance(piece, Reference) and piece.name in values else piece
            for piece in template
        )
    ]


def written(template: Template) -> str:
    """Return a template's text, with references as they are written."""
    return "".join(piece.text if isinstance(piece, Reference) else piece for piece in template)


def references(template: Template) -> Sequence[Reference]:
    """Return the references in a template."""
    return [piece for piece in template if isinstance(piece, Reference)]


def _reference(text: str) -> Reference:
    match = _REFERENCE.fullmatch(text)
    if match is None:
        raise SettingsError(
            f"{text} is no reference.",
            "It is ${ with a name, and, for a part of what that means, .KEY or [NUMBER], and }.",
            "Write it as ${song} or ${stems.tracks.drums}; write $${ for a plain ${.",
        )
    way = re.findall(_STEP, match[2], re.ASCII)
    return Reference(text, match[1], tuple(_step(step) for step in way))


def _step(text: str) -> str | int:
    if text.startswith("."):
        return text[1:]
    return text[2:-2] if text.startswith('["') else int(text[1:-1])


def _has(found: Any, key: str | int) -> bool:
    return isinstance(found, Mapping) and key in found


def _text(reference: Reference, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    kind = "nothing" if value is None else "a list" if isinstance(value, (list, tuple)) else "a table"
    raise SettingsError(
        f"{reference.text} is {kind} here.", "It has to be one text or number.", "Name one of its values, as in [0]."
    )


def _nowhere(reference: Reference, gone: str, found: Any) -> SettingsError:
    if isinstance(found, Mapping):
        known = f"{gone} has: {', '.join(map(str, found)) or 'nothing'}."
    elif isinstance(found, (list, tuple)):
        known = f"{gone} is a list of {len(found)}, and the first is [0]."
    else:
        known = f"{gone} is {str(found)[:80]!r}, which has no parts."
    return SettingsError(f"{reference.text} leads nowhere.", known, "Check its spelling.")
