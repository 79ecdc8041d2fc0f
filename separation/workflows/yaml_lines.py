"""Reads YAML into values that know their lines, so that errors can name the line.

Only YAML's core types are accepted: tables, lists, text, numbers, true, false and null. Anchors, aliases and the merge
key `<<` are accepted too; tags, which can create objects of a program, are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from separation.errors import SettingsError

MAX_BYTES = 10**6
MAX_NODES = 20_000  # with every alias written out: a few lines of aliases of aliases can stand for billions
MAX_DEPTH = 40
OURS = "tag:yaml.org,2002:"  # the tags that YAML itself defines
TEXT = ("timestamp", "value")  # “2026-01-31” and “=”: no setting is a date, or whatever the latter may be
PLAIN = frozenset({"str", "int", "float", "bool", "null", *TEXT})
MERGE = f"{OURS}merge"


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a YAML file.

    Attributes:
        value: a dict of text to `Node`, a list of `Node`s, or text, a number, a bool or None.
        text: the last four as they are written, such as "1:30"; "" for tables and lists.
        line: where it begins, or its name if it has one; the first line is 1.
    """

    value: Any
    text: str
    line: int

    @property
    def plain(self) -> Any:
        """Return the value without lines: dicts, lists, text, numbers, bools and None."""
        if isinstance(self.value, dict):
            return {name: item.plain for name, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain for item in self.value]
        return self.value

    def line_number(self, place: tuple[str | int, ...]) -> int:
        """Return the line of the value at `place`, from the outside in, or of the nearest value around it."""
        node = self
        for step in place:
            try:
                node = node.value[step]
            except (KeyError, IndexError, TypeError):
                break
        return node.line


def read(path: Path) -> Node:
    """Read the one document of a file.

    Raises:
        SettingsError: the file cannot be read, or is not such YAML; names file and line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"{path} cannot be read.", f"The system says: {reason}.", "Check its name.") from error
    if len(content) > MAX_BYTES:
        raise SettingsError(f"{path} is too long.", "At most 1 MB of YAML is read.", "Check that it is the right file.")
    try:
        return _YamlReader(path).document(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise refused(path, line, "This is not UTF-8 text.", "", "Save the file as UTF-8.") from error


def parse_yaml(text: str, name: str) -> Node:
    """Parse the one document of a text; `name` stands for the file in errors.

    Raises:
        SettingsError: it is not such YAML; names the line.
    """
    if len(text) > MAX_BYTES:
        raise SettingsError(f"{name} is too long.", "At most 1 MB of YAML is read.", "Check that it is the right text.")
    return _YamlReader(Path(name)).document(text)


def refused(path: Path, line: int, what: str, why: str = "", todo: str = "") -> SettingsError:
    """Return an error that names the file and the line."""
    return SettingsError(f"{path}, line {line}: {what}", why, todo)


class _YamlReader:
    """Converts one file's YAML nodes to ours."""

    def __init__(self, path: Path) -> None:
        self._path, self._n_nodes = path, 0

    def document(self, text: str) -> Node:
        try:
            self._loader = yaml.SafeLoader(text)
            root = self._loader.get_single_node()
        except yaml.reader.ReaderError as error:
            line = text[: error.position].count("\n") + 1
            raise refused(self._path, line, "A character here is none that YAML takes.") from error
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            words = ", ".join(part for part in (error.context, error.problem) if part)
            raise refused(
                self._path, mark.line + 1 if mark else 1, "This is not YAML.", f"{words[:1].upper()}{words[1:]}."
            ) from error
        except RecursionError as error:
            raise self._too_much(1) from error
        if root is None:
            raise SettingsError(f"{self._path} is empty.", "", "Check that it is the right file.")
        return self._node(root, self._line(root), 0)

    def _node(self, node: yaml.Node, line: int, depth: int) -> Node:
        self._count(node, depth)
        if isinstance(node, yaml.MappingNode):
            self._refuse_tag(node, "map")
            return Node(self._table(node, depth), "", line)
        if isinstance(node, yaml.SequenceNode):
            self._refuse_tag(node, "seq")
            return Node([self._node(item, self._line(item), depth + 1) for item in node.value], "", line)
        self._refuse_tag(node, *PLAIN)
        return Node(self._scalar(node), node.value, line)

    def _table(self, node: yaml.MappingNode, depth: int) -> dict[str, Node]:
        """Names and values: the table's own go before what `<<` brings in, and of that the first before the others."""
        merged: dict[str, Node] = {}
        own: dict[str, Node] = {}
        for key, item in node.value:
            line = self._line(key)
            if key.tag == MERGE:
                for table in self._merged(item, line):
                    self._count(table, depth)
                    merged = self._table(table, depth + 1) | merged
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise refused(self._path, line, "A name is a list or a table.", "", "Write names as plain words.")
            if key.value in own:
                raise refused(
                    self._path,
                    line,
                    f"“{key.value}” is here twice.",
                    f"It is in line {own[key.value].line} already.",
                    "Remove one of the two.",
                )
            own[key.value] = self._node(item, line, depth + 1)
        return merged | own

    def _merged(self, item: yaml.Node, line: int) -> Iterator[yaml.MappingNode]:
        for table in item.value if isinstance(item, yaml.SequenceNode) else [item]:
            if not isinstance(table, yaml.MappingNode):
                raise refused(self._path, line, "“<<” brings in something that is no table.", "", "Name a table.")
            yield table

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag.removeprefix(OURS) in TEXT:
            return node.value
        try:
            value = self._loader.construct_object(node)
            if isinstance(value, int):  # YAML writes it in other bases too, such as 1:30:00, without Python's limit
                str(value)
        except (ValueError, ArithmeticError, LookupError, yaml.YAMLError) as error:  # !!int x, or too many digits
            raise refused(self._path, self._line(node), f"“{node.value[:40]}” is no such value.") from error
        return value

    def _count(self, node: yaml.Node, depth: int) -> None:
        self._n_nodes += 1
        if self._n_nodes > MAX_NODES or depth > MAX_DEPTH:
            raise self._too_much(self._line(node))

    def _too_much(self, line: int) -> SettingsError:
        return refused(
            self._path,
            line,
            "There is too much here.",
            f"At most {MAX_NODES} values are read, {MAX_DEPTH} deep, with aliases written out.",
            "Check that it is the right file.",
        )

    def _refuse_tag(self, node: yaml.Node, *known: str) -> None:
        if node.tag.removeprefix(OURS) not in known:
            raise refused(
                self._path,
                self._line(node),
                f"The tag {node.tag.replace(OURS, '!!')} is not taken.",
                "Values are text, numbers, true, false, lists and tables.",
                "Leave the tag out.",
            )

    def _line(self, node: yaml.Node) -> int:
        return int(node.start_mark.line) + 1
