"""`audio-playground run`: the commands of a workflow file, one after the other, in this process."""

from __future__ import annotations

import shlex
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from separation.cli.common import Claims, Common, Host, ModelFolder, RunOption, TypedPath, common_options, given_by
from separation.cli.options import no_cache_option
from separation.errors import PlaygroundError, SeparationError, SettingsError
from separation.formatted import counted
from separation.workflows.batch_files import FAILURES

if TYPE_CHECKING:
    from separation.workflows.workflow import Parameter, Step, Workflow

# Names of the commands' function parameters.
READ = frozenset({"source", "sources", "folder", "recipe"})
WRITTEN = frozenset({"out", "save_recipe", "report"})


@click.command()
@click.option("--config", "-c", type=TypedPath(), required=True, help="The workflow, a YAML file.")
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A variable's value; repeated, a list.")
@click.option("--dry-run", is_flag=True, help="Check everything, say what would be typed, and do nothing.")
@no_cache_option
@common_options
def run(config: Path, given: tuple[str, ...], dry_run: bool, no_cache: bool, common: Common) -> None:
    """Run the commands of a workflow file, one after the other.

    All of it is checked before anything runs. A step that fails stops the run with that command's exit status; what is
    finished stays, and the next run takes it from the store. Paths are relative to the current folder, as in commands
    that are typed; ${here} is the folder of the workflow file.
    """
    from separation.workflows import workflow

    started_s = time.monotonic()
    terminal = Terminal(common, no_cache, config)
    plan = workflow.read(config, terminal, _variables(given))
    if dry_run:
        steps = []
        for number, (step, known) in enumerate(zip(plan.steps, terminal.known, strict=True), start=1):
            notes, typed = known.pop("notes", ()), terminal.typed(step, {})
            common.say(typed)
            for note in notes:
                common.say(f"{_mark(number, plan, step)}note: {note}")
            steps.append({"name": step.name, "command": typed, **known})
        common.result({"config": str(config), "steps": steps})
        return
    done = list(_steps(plan, terminal, common, Claims(config)))
    n_cached = sum(step["cached"] for step in done)
    seconds = time.monotonic() - started_s
    cached = f", {n_cached} of them cached" if n_cached else ""
    common.say(f"{counted(len(done), 'step')} done{cached}, {seconds:.2f} s in all.")
    common.result({"config": str(config), "steps": done, "cached": n_cached, "seconds": seconds})


def _steps(plan: Workflow, terminal: Terminal, common: Common, claims: Claims) -> Iterator[dict[str, Any]]:
    """Run the steps; yield the summary of each."""
    results: dict[str, Any] = {}
    for number, step in enumerate(plan.steps, start=1):
        started_s = time.monotonic()
        host = Host(common, _mark(number, plan, step), claims=claims)
        typed = terminal.typed(step, results)
        common.say(f"{host.mark}{typed}")
        with _failing_as(step, host):
            terminal.run(step, results, host)
        assert host.result is not None, f"{step.command} has no result"
        results[step.name] = host.result
        yield {
            "name": step.name,
            "command": typed,
            "cached": _was_cached(host.result),
            "seconds": time.monotonic() - started_s,
            "result": host.result,
        }


def _mark(number: int, plan: Workflow, step: Step) -> str:
    return f"[{number}/{len(plan.steps)} {step.name}] "


def _was_cached(result: Mapping[str, Any]) -> bool:
    """Whether nothing was computed; a batch's result counts its files that were kept already."""
    cached = result.get("cached", False)
    return cached if isinstance(cached, bool) else bool(cached) and cached == result["files"]


@contextmanager
def _failing_as(step: Step, host: Host) -> Iterator[None]:
    """Add the step to an error's message; its class, which decides the exit status, stays."""
    from separation.workflows.workflow import put_place

    try:
        yield
    except click.UsageError as error:
        raise SettingsError(f"{step.where}: {_sentence(error)}") from error
    except PlaygroundError as error:
        put_place(error, step.where)
        raise
    except KeyboardInterrupt as stop:
        why = str(stop) or "Nothing half-written remains."
        raise KeyboardInterrupt(f"That was step {step.name}; the steps before it are finished. {why}") from None
    except SystemExit as end:  # a batch with failed files
        assert host.result is not None
        n_failed, listed = host.result["failed"], Path(host.result["out"]) / FAILURES
        raise SeparationError(
            f"{step.where}: {counted(n_failed, 'file')} failed.",
            f"All that failed is listed in {listed}.",
            "Run it again without them; the rest is taken from the store.",
        ) from end


def _variables(given: Sequence[str]) -> dict[str, list[str]]:
    variables: dict[str, list[str]] = {}
    for text in given:
        name, is_one, value = text.partition("=")
        if not is_one:
            raise SettingsError(f"“{text}” sets no variable.", "It is a name, = and a value.", "Write NAME=VALUE.")
        variables.setdefault(name.strip(), []).append(value)
    return variables


class Terminal:
    """The terminal's commands as an implementation of `separation.workflows.workflow.Commands`.

    Args:
        common: the run's options, which its commands inherit.
        bypass_cache: pass `--no-cache` to the commands that have it.
        config: the workflow's file, which no command may replace.

    Attributes:
        known: of each command that was checked, in their order, what is known of its result beforehand.
    """

    def __init__(self, common: Common, bypass_cache: bool, config: Path | None = None) -> None:
        self._common, self._bypass_cache = common, bypass_cache
        self._config = [] if config is None else [config]
        self.known: list[dict[str, Any]] = []

    def names(self) -> Sequence[str]:
        """See `Commands.names`: every command that declares what its result holds."""
        from separation.cli.main import main

        return tuple(_steps_below(main, click.Context(main)))

    def parameters(self, command: str) -> Mapping[str, Parameter]:
        """See `Commands.parameters`: long options without their dashes, arguments as the help names them."""
        from separation.workflows.workflow import Parameter

        known: dict[str, Parameter] = {}
        for param in _leaf(command)[0].params:
            if isinstance(param, RunOption):
                continue
            is_switch = isinstance(param, click.Option) and bool(param.is_flag)
            for option, off in _names(param):
                known[option.removeprefix("--") or param.human_readable_name.lower()] = Parameter(
                    option=option,
                    off=off,
                    switch=is_switch,
                    many=param.multiple or param.nargs == -1,
                    reads=param.name in READ,
                    writes=param.name in WRITTEN,
                    trusted=isinstance(param.type, ModelFolder),
                    any_text=isinstance(param.type, (click.Path, click.types.StringParamType)),
                )
        return known

    def check(self, command: str, words: Sequence[str]) -> None:
        """See `Commands.check`: click parses the words, files are told apart, extractions settle their request."""
        from separation.audio.files import FilesRead

        host = Host(self._common, rehearsal=True)
        try:
            with self._context(command, words, host) as context:
                read = FilesRead.of([*self._config, *_paths(context.params, READ)])
                read.refuse(*_paths(context.params, WRITTEN))
                recipe = context.params.get("recipe")
                if command.startswith("extract ") and (recipe is None or recipe.exists()):
                    context.command.invoke(context)
            self.known.append(host.result or {})
        except click.UsageError as error:
            param = getattr(error, "param", None)
            names = [option.removeprefix("--") for option, _ in _names(param)] if param is not None else []
            raise SettingsError(_sentence(error), place=tuple(names)) from error

    def outputs(self, command: str, words: Sequence[str]) -> Mapping[str, Collection[str]]:
        """See `Commands.outputs`: the tracks of an extraction are called as its prompts."""
        known: dict[str, Collection[str]] = dict.fromkeys(given_by(_leaf(command)[0]), ())
        prompts = self._context(command, words, Host(self._common)).params.get("prompts")
        if "tracks" in known and prompts and not any("${" in prompt for prompt in prompts):
            from separation.prompts.targets import RESIDUAL, residual_stem

            names = [prompt.strip() for prompt in prompts]
            known["tracks"] = (*names, RESIDUAL, *map(residual_stem, names))
        return known

    def run(self, step: Step, results: Mapping[str, Any], host: Host) -> None:
        """Run a step with the results of earlier ones; its own result goes to `host`."""
        with self._context(step.command, self._words(step, results), host) as context:
            context.command.invoke(context)

    def typed(self, step: Step, results: Mapping[str, Any]) -> str:
        """Return the command line of a step; values not known yet are shown as references."""
        return shlex.join(["audio-playground", *step.command.split(), *self._words(step, results)])

    def _words(self, step: Step, results: Mapping[str, Any]) -> list[str]:
        parameters = self.parameters(step.command)
        words = step.words(parameters, results)
        anew = self._bypass_cache and "no-cache" in parameters and "no-cache" not in step.options
        return ["--no-cache", *words] if anew else words

    def _context(self, command: str, words: Sequence[str], host: Host) -> click.Context:
        leaf, parent = _leaf(command)
        return leaf.make_context(command.split()[-1], list(words), parent=parent, obj=host)


def _steps_below(group: click.Group, context: click.Context, *words: str) -> Iterator[str]:
    """Yield the commands below a group, at any depth, that may be steps."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _steps_below(command, context, *words, name)
        elif command is not None and given_by(command):
            yield " ".join((*words, name))


def _leaf(command: str) -> tuple[click.Command, click.Context]:
    """Return a command, and the context of its group."""
    from separation.cli.main import main

    group: click.Group = main
    context = click.Context(main, info_name="audio-playground")
    *groups, name = command.split()
    for word in groups:
        inner = group.get_command(context, word)
        assert isinstance(inner, click.Group)
        group, context = inner, click.Context(inner, parent=context, info_name=word)
    leaf = group.get_command(context, name)
    assert leaf is not None
    return leaf, context


def _paths(params: Mapping[str, Any], names: Collection[str]) -> list[Path]:
    """Return the values of these parameters that are paths."""
    given = [params[name] for name in names if name in params]
    values = [one for value in given for one in (value if isinstance(value, tuple) else [value])]
    return [value for value in values if isinstance(value, Path)]


def _names(param: click.Parameter) -> list[tuple[str, str]]:
    """Return a parameter's long options, each with its negation; one pair of empty texts for an argument."""
    if isinstance(param, click.Argument):
        return [("", "")]
    on = [option for option in param.opts if option.startswith("--")]
    off = [option for option in param.secondary_opts if option.startswith("--")]
    return [(one, off[0] if off else "") for one in on] + [(one, on[0]) for one in off]


def _sentence(error: click.UsageError) -> str:
    """Return click's error message as one sentence on one line."""
    words = " ".join(error.format_message().split())
    return words if words.endswith(".") else f"{words}."
