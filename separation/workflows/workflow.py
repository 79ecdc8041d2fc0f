"""Workflows: YAML files of commands and options that run in order; a step can use the results of earlier ones.

    variables:
      song: song.mp3

    steps:
      - name: wav
        command: convert to-wav
        with:
          source: ${song}
          out: parts/song.wav

      - name: stems
        command: extract builtin
        with:
          source: ${wav.file}
          prompt: [drums, bass]
          out: parts

A `Commands` lists the commands and their parameters. Everything is checked before anything runs, and every error names
file and line.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from separation.audio.files import at_home, resolved
from separation.errors import PlaygroundError, SettingsError
from separation.workflows import yaml_lines
from separation.workflows.references import NAME, Template, fill, parse_template, references, written
from separation.workflows.yaml_lines import Node, refused

HERE = "here"  # the predefined variable: the folder of the workflow's file
SWITCH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One parameter of a command.

    Attributes:
        option: the words that go before a value, such as "--prompt", or that switch something on; "" for what is
            given without.
        off: the word that switches it off, if there is one.
        switch: it is on or off, and has no value.
        many: it may be given several times.
        reads: its value is a file or folder that has to be there.
        writes: its value is a file or folder that is made.
        any_text: every text is a value of it.
        trusted: its value can run code, so it is named by who runs the workflow and not by who wrote it.
    """

    option: str = ""
    off: str = ""
    switch: bool = False
    many: bool = False
    reads: bool = False
    writes: bool = False
    any_text: bool = False
    trusted: bool = False


class Commands(Protocol):
    """The commands a workflow may use."""

    def names(self) -> Sequence[str]:
        """Return the names of all commands, such as "extract builtin"."""
        ...

    def parameters(self, command: str) -> Mapping[str, Parameter]:
        """Return a command's parameters by their names in a workflow."""
        ...

    def check(self, command: str, words: Sequence[str]) -> None:
        """Raise a `PlaygroundError` if the command would not take these words; its `place` may name the parameter."""
        ...

    def outputs(self, command: str, words: Sequence[str]) -> Mapping[str, Collection[str]]:
        """Return the keys of a command's result; each with the keys of its table, if they are known beforehand."""
        ...


@dataclass(frozen=True, slots=True)
class CommandOption:
    """The values of one parameter of a step, the line of each, and the line it begins in."""

    values: tuple[Template, ...]
    lines: tuple[int, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    """A command with its options. Variables are filled in; references to earlier steps are left until those have run.

    Attributes:
        name: how later steps refer to it.
        command: as in `Commands.names`.
        options: by the names of `Commands.parameters`.
        line: where it begins in the file.
        where: file, line and name, for messages.
    """

    name: str
    command: str
    options: Mapping[str, CommandOption]
    line: int
    where: str

    def words(self, parameters: Mapping[str, Parameter], results: Mapping[str, Any]) -> list[str]:
        """Return the command-line words after the command, with the `results` of earlier steps, by name, filled in.

        Where a step has no result yet, references to it stay as they are written.

        Raises:
            SettingsError: a reference leads nowhere.
        """
        given, plain = [], []
        for name, option in self.options.items():
            try:
                values = [written(one) for value in option.values for one in fill(value, results)]
            except SettingsError as error:
                put_place(error, self.where)
                raise
            if parameters[name].option:
                given += [word for value in values for word in _typed(parameters[name], value)]
            else:
                plain += values
        if any(value.startswith("-") for value in plain):
            return [*given, "--", *plain]
        return [*plain, *given]


@dataclass(frozen=True, slots=True)
class Workflow:
    """Steps in the order in which they run."""

    path: Path
    steps: tuple[Step, ...]


def read(path: Path, commands: Commands, given: Mapping[str, Sequence[str]]) -> Workflow:
    """Read the workflow in a file, and check it as far as possible before it runs.

    Relative paths in it are relative to the current folder, as in commands that are typed.

    Args:
        path: of the file.
        commands: what its steps may be.
        given: variables that replace those of the file; several values make a list.

    Raises:
        PlaygroundError: it is no workflow, or something in it cannot work; names file and line.
    """
    return _WorkflowReader(path, commands).workflow(yaml_lines.read(path), given)


class _WorkflowReader:
    def __init__(self, path: Path, commands: Commands) -> None:
        self._path, self._commands = path, commands
        self._steps: dict[str, Step] = {}
        self._outputs: dict[str, Mapping[str, Collection[str]]] = {}
        self._made: list[Path] = []

    def workflow(self, document: Node, given: Mapping[str, Sequence[str]]) -> Workflow:
        table = self._table(document, "A workflow", ("steps",), ("variables",))
        self._given = given
        self._variables = self._read_variables(table.get("variables"), given)
        steps = table["steps"]
        if not isinstance(steps.value, list) or not steps.value:
            raise refused(self._path, steps.line, "“steps” is not a list of steps.", "", "Begin each with “- name:”.")
        read = [self._read_names(node) for node in steps.value]
        for index, (name, table) in enumerate(read):
            later = [other for other, _ in read[index:]]
            self._steps[name] = self._read_step(name, table, steps.value[index].line, later)
        return Workflow(self._path, tuple(self._steps.values()))

    # Variables

    def _read_variables(self, node: Node | None, given: Mapping[str, Sequence[str]]) -> dict[str, list[str] | str]:
        table = {} if node is None else self._table(node, "“variables”")
        if unknown := sorted(set(given) - set(table)):
            raise SettingsError(
                f"{self._path} has no variable “{unknown[0]}”.",
                f"It has: {', '.join(table) or 'none'}.",
                "Check the name in --set.",
            )
        variables: dict[str, list[str] | str] = {HERE: str(self._path.parent)}
        for name, item in table.items():
            with self._at(item.line):
                self._check_name("variable", name, variables)
                if name in given:
                    values = list(given[name])
                    variables[name] = values[0] if len(values) == 1 else values
                    continue
                if item.value is None:
                    raise SettingsError(
                        f"“{name}” has no value.", "It is to be given with the command.", f"Add --set {name}=VALUE."
                    )
            filled = self._filled(item, variables).values
            with self._at(item.line):
                if wanting := [one for value in filled for one in references(value)]:
                    raise SettingsError(
                        f"There is no variable “{wanting[0].name}” before this one.",
                        f"There are: {', '.join(variables)}.",
                        "Variables are read from the first to the last.",
                    )
            values = [written(value) for value in filled]
            variables[name] = values[0] if len(values) == 1 and not isinstance(item.value, list) else values
        return variables

    def _filled(self, node: Node, values: Mapping[str, Any]) -> CommandOption:
        """Return the text or the texts of a node, with `values` filled in."""
        items = node.value if isinstance(node.value, list) else [node]
        filled: list[tuple[Template, int]] = []
        for item in items:
            if isinstance(item.value, (list, dict)) or item.value is None:
                kind = "nothing" if item.value is None else "a table" if isinstance(item.value, dict) else "a list"
                what = f"Here is {kind} where a text or a number belongs."
                raise refused(self._path, item.line, what, "", "Write one value, or a list of values.")
            with self._at(item.line):
                filled += [(one, item.line) for one in fill(parse_template(item.text), values)]
        return CommandOption(tuple(one for one, _ in filled), tuple(line for _, line in filled), node.line)

    # Steps

    def _read_names(self, node: Node) -> tuple[str, dict[str, Node]]:
        table = self._table(node, "A step", ("name", "command"), ("with",))
        for key in ("name", "command"):
            if isinstance(table[key].value, (list, dict)) or not table[key].text:
                raise refused(self._path, table[key].line, f"“{key}” is not a word.", "", "Write it as plain text.")
        return table["name"].text, table

    def _read_step(self, name: str, table: Mapping[str, Node], line: int, later: Sequence[str]) -> Step:
        with self._at(table["name"].line):
            self._check_name("step", name, {**self._variables, **self._steps})
        command = " ".join(table["command"].text.split())
        if command not in self._commands.names():
            with self._at(table["command"].line):
                raise SettingsError(
                    f"There is no command “{command}” for workflows.",
                    "",
                    f"Choose one of: {', '.join(self._commands.names())}.",
                )
        parameters = self._commands.parameters(command)
        options = {}
        given = self._table(table["with"], "“with”") if "with" in table else {}
        for key, node in given.items():
            with self._at(node.line):
                if key not in parameters:
                    raise SettingsError(
                        f"“{command}” has no option “{key}”.", "", f"Choose one of: {', '.join(parameters)}."
                    )
                if parameters[key].trusted and node.text not in (f"${{{name}}}" for name in self._given):
                    raise SettingsError(
                        f"“{key}” cannot be set by a workflow.",
                        "What lies there can run code, so who runs the workflow has to name it.",
                        f"Write {key}: ${{models}}, with “models:” among the variables, and run it with "
                        "--set models=FOLDER.",
                    )
            options[key] = self._filled(node, self._variables)
            self._check_values(key, options[key], parameters[key], later)
        step = Step(name, command, options, line, f"{self._path}, line {line}, step {name}")
        self._check_command(step, parameters)
        return step

    def _check_values(self, key: str, option: CommandOption, parameter: Parameter, later: Sequence[str]) -> None:
        """Check the values as far as possible before any step has run."""
        if len(option.values) != 1 and not parameter.many:
            what = f"“{key}” has {len(option.values)} values."
            raise refused(self._path, option.line, what, "The command takes one.", "Write one value.")
        for value, line in zip(option.values, option.lines, strict=True):
            with self._at(line):
                for reference in references(value):
                    self._check_reference(reference.name, reference.way, reference.text, later)
                text = written(value)
                if parameter.switch and text.lower() not in SWITCH:
                    raise SettingsError(f"“{key}” is {text!r}.", "It is on or off.", "Write true or false.")
                if parameter.reads and not references(value):
                    self._check_file(at_home(text))
        if parameter.writes:
            self._made += [resolved(at_home(written(value))) for value in option.values if not references(value)]

    def _check_reference(self, name: str, way: Sequence[str | int], text: str, later: Sequence[str]) -> None:
        if name not in self._steps:
            known = ", ".join((*self._variables, *self._steps))
            if name in later:
                raise SettingsError(
                    f"{text} refers to a step that has not run by then.",
                    f"Before this step there are: {known}.",
                    "Move that step further up.",
                )
            raise SettingsError(
                f"{text} refers to nothing.",
                f"Variables and earlier steps are: {known}.",
                "Check its name; the environment is not read.",
            )
        outputs = self._outputs[name]
        if not way or way[0] not in outputs:
            raise SettingsError(
                f"{text} is no result of the step “{name}”.",
                f"It has: {', '.join(outputs)}.",
                f"Write ${{{name}.{next(iter(outputs))}}}, for example.",
            )
        known_keys = outputs[str(way[0])]
        if known_keys and len(way) > 1 and way[1] not in known_keys:
            raise SettingsError(
                f"{text} leads nowhere.",
                f"Possible in {name}.{way[0]}: {', '.join(known_keys)}.",
                "Check its spelling.",
            )

    def _check_file(self, path: Path) -> None:
        try:
            there = path.exists()
        except (OSError, ValueError):  # a name too long, or with a NUL in it
            there = False
        if not there and not any(resolved(path).is_relative_to(made) for made in self._made):
            raise SettingsError(
                f"There is no {str(path)!r}, and no step before this one makes it.",
                f"The current folder is {Path.cwd()}.",
                "Check its name; what a step makes is best named as in ${stems.tracks.drums}.",
            )

    def _check_command(self, step: Step, parameters: Mapping[str, Parameter]) -> None:
        """Let the command check its words; values not known yet are left out, unless any text would do."""
        known = {
            key: option
            for key, option in step.options.items()
            if parameters[key].any_text or not any(references(value) for value in option.values)
        }
        words = Step(step.name, step.command, known, step.line, step.where).words(parameters, {})
        try:
            self._commands.check(step.command, words)
        except PlaygroundError as error:
            places = [name for name in getattr(error, "place", ()) if name in step.options]
            line = step.options[places[0]].line if places else step.line
            put_place(error, f"{self._path}, line {line}")
            raise
        self._outputs[step.name] = self._commands.outputs(step.command, words)

    # Both

    def _table(
        self, node: Node, what: str, required: Sequence[str] = (), optional: Sequence[str] | None = None
    ) -> dict[str, Node]:
        """Return a node's table; with `optional` given, it may have only those names and the required ones."""
        if not isinstance(node.value, dict):
            raise refused(self._path, node.line, f"{what} is not a table.", "", "Write it as NAME: VALUE, one a line.")
        if optional is not None:
            known = (*required, *optional)
            for name, item in node.value.items():
                if name not in known:
                    raise refused(
                        self._path, item.line, f"{what} has no “{name}”.", "", f"Choose one of: {', '.join(known)}."
                    )
        if missing := [name for name in required if name not in node.value]:
            raise refused(self._path, node.line, f"{what} lacks “{missing[0]}”.", "", "Add it.")
        return node.value

    def _check_name(self, kind: str, name: str, taken: Collection[str]) -> None:
        if not re.fullmatch(NAME, name, re.ASCII):
            raise SettingsError(
                f"“{name}” cannot be the name of a {kind}.",
                "References would not find its end.",
                "Use letters, digits, _ and -, and a letter first.",
            )
        if name in taken:
            raise SettingsError(f"The name “{name}” is taken.", "Variables and steps share names.", "Choose another.")

    @contextmanager
    def _at(self, line: int) -> Iterator[None]:
        """Add this line to errors that are raised in the context."""
        try:
            yield
        except SettingsError as error:
            put_place(error, f"{self._path}, line {line}")
            raise


def _typed(parameter: Parameter, value: str) -> list[str]:
    if not parameter.switch:
        return [parameter.option, value]
    word = parameter.option if SWITCH[value.lower()] else parameter.off
    return [word] if word else []


class _Says(Protocol):
    what: str


def put_place(error: _Says, where: str) -> None:
    """Add a place to an error's message; its class, which decides the exit status, stays."""
    error.what = f"{where}: {error.what}"
