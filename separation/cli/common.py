"""Code shared by all commands: common options, errors as exit statuses, output for people or as JSON."""

from __future__ import annotations

import functools
import json
import logging
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import click

from separation import __version__
from separation.cli.as_typed import name_options
from separation.doctor import logs
from separation.errors import (
    AudioError,
    BackendUnavailable,
    FileError,
    PlaygroundError,
    PromptError,
    SettingsError,
    foreseen,
    unforeseen,
)
from separation.request import DEVICES, Request

if TYPE_CHECKING:
    from separation.audio.files import FilesRead
    from storage import ArtifactStore

Function = TypeVar("Function", bound=Callable[..., Any])
EXIT_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (SettingsError, 2),
    (AudioError, 3),
    (FileError, 3),
    (BackendUnavailable, 4),
    (PromptError, 5),
    (PlaygroundError, 6),
)
log = logging.getLogger(__name__)
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
USUAL_LIMIT = "20, or what was chosen on the Settings page"  # of --cache-limit-gb


class Claims:
    """What the steps of a workflow read and write, so that none replaces what another has read.

    A file that a step has written is not protected from later steps.

    Args:
        read: files that no step may replace.
    """

    def __init__(self, *read: Path) -> None:
        self._read, self._written = frozenset(read), frozenset[Path]()

    def claim(self, read: Iterable[Path], written: Iterable[Path]) -> FilesRead:
        """Note what a step is to read and write, before it does anything; return all that it may not replace.

        Raises:
            SettingsError: it is to write to what is read, or to one place twice.
            FileError: what lies there can be neither replaced nor written into.
        """
        from separation.audio.files import FilesRead, check_places, resolved

        read, places = frozenset(read), tuple(written)
        protected = FilesRead.of(self._read | read)
        check_places(places, protected)
        self._read |= {path for path in read if resolved(path) not in self._written}
        self._written |= {resolved(path) for path in places}
        return protected


@dataclass(slots=True)
class Host:
    """The runner of a command that is a step of a workflow, passed as click's `obj`; it gets result and errors.

    Args:
        common: the host's own options; the command's go before them.
        mark: printed before every line of the command.
        rehearsal: the command only checks what it would do, and fails if that is invalid.
        claims: of all steps of the workflow.
        result: the command's result, once it has one; in a rehearsal what is known of it beforehand.
    """

    common: Common
    mark: str = ""
    rehearsal: bool = False
    claims: Claims = field(default_factory=Claims)
    result: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Common:
    """The options that every command takes, and its `Host` if it runs as a step."""

    device: str
    as_json: bool
    temp_dir: Path | None
    host: Host | None = None

    def say(self, line: str) -> None:
        """Print a line for people; nothing if the output is JSON."""
        if not self.as_json:
            click.echo(f"{self.mark}{line}")

    def say_ignored(self, asked: Request, settled: Request) -> None:
        """Print what was asked for and makes no difference to the backend that separates."""
        from separation.backends.registry import get, ignored

        for words in ignored(asked, settled):
            self.say(f"note: {words} will make no difference to {get(settled.backend).label}.")

    def say_answers(self, settled: Request) -> None:
        """Print which prompts are answered with something else than their words."""
        from separation.backends.registry import answer_notes

        for note in answer_notes(settled):
            self.say(f"note: {note}")

    def result(self, values: dict[str, Any]) -> None:
        """Print the command's result as one JSON line if requested, and give it to the host."""
        if self.host is not None:
            self.host.result = values
        elif self.as_json:
            click.echo(json.dumps(values, ensure_ascii=False))

    @property
    def mark(self) -> str:
        """The prefix of every line, which names the workflow's step."""
        return "" if self.host is None else self.host.mark

    @property
    def rehearsal(self) -> bool:
        """Whether the command should only check what it would do."""
        return self.host is not None and self.host.rehearsal

    def claim(self, read: Iterable[Path], written: Iterable[Path]) -> FilesRead:
        """See `Claims.claim`; what is on its way into a FIFO is made where a sweep finds it after a kill."""
        from separation.audio.files import written_into

        places = tuple(written)
        protected = (Claims() if self.host is None else self.host.claims).claim(read, places)
        if any(map(written_into, places)) and not self.rehearsal:
            tempfile.tempdir = str(click.get_current_context().with_resource(scratch(self.temp_dir)))
        return protected

    def under(self, host: Host | None) -> Common:
        """Return these options for a command that `host` runs."""
        if host is None:
            return self
        device = host.common.device if self.device == "auto" else self.device
        return Common(device, self.as_json or host.common.as_json, self.temp_dir or host.common.temp_dir, host)


class RunOption(click.Option):
    """An option for a person alone, to a command or a whole `run`; a workflow, which may be anyone's, cannot set it."""


class TypedPath(click.Path):
    """The path of a file or folder as a person types it; “~” at its beginning is a home folder, also in workflows."""

    def __init__(self, **how: Any) -> None:
        super().__init__(path_type=Path, **how)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or raise click's own error."""
        from separation.audio.files import at_home

        try:
            return super().convert(at_home(value), param, ctx)
        except SettingsError as error:
            self.fail(str(error), param, ctx)


class ModelFolder(click.Path):
    """The path of a folder of models; workflows take it only from a variable of `run`."""


def gives(*names: str) -> Callable[[Function], Function]:
    """Decorate a command with the names in its result, which allows workflows to use it as a step.

    It is only for commands that make files, delete none, and run no other program.
    """

    def declared(command: Function) -> Function:
        cast(Any, command).gives = names
        return command

    return declared


def given_by(command: click.Command) -> tuple[str, ...]:
    """Return the names that a command declared with `gives`; none if it cannot be a step of a workflow."""
    names: tuple[str, ...] = getattr(command.callback, "gives", ())
    return names


def common_options(command: Function) -> Function:
    """Add the common options; the command gets them as `common`, and its errors become messages and exit statuses."""

    @click.option(
        "--log-level", cls=RunOption, type=click.Choice(["debug", "info", "warning", "error"]), default="warning"
    )
    @click.option("--device", type=click.Choice(DEVICES), default="auto", help="Where models run.")
    @click.option("--temp-dir", type=TypedPath(), help="Folder for temporary files.")
    @click.option("--json", "as_json", cls=RunOption, is_flag=True, help="One JSON line instead of words.")
    @functools.wraps(command)
    def wrapped(
        *arguments: Any, log_level: str, device: str, temp_dir: Path | None, as_json: bool, **options: Any
    ) -> Any:
        logs.to_terminal(log_level)
        common = Common(device, as_json, temp_dir).under(click.get_current_context().find_object(Host))
        usual = tempfile.tempdir
        try:
            if common.temp_dir is not None and not common.rehearsal:
                if not common.temp_dir.is_dir():  # a mistyped name is not made
                    raise SettingsError(
                        f"There is no folder {str(common.temp_dir)!r} for temporary files.",
                        "",
                        "Choose another folder, or make it.",
                    )
                make_folder(common.temp_dir, "temporary files")
                tempfile.tempdir = str(common.temp_dir)
            return command(*arguments, common=common, **options)
        except (PlaygroundError, click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError) as error:
            if isinstance(error, PlaygroundError):
                name_options(error, click.get_current_context().command)
            if common.host is not None or not isinstance(error, PlaygroundError):
                raise
            _fail(error, common)
        except Exception as error:
            if common.host is not None:
                raise
            _fail(_as_ours(error), common)
        except KeyboardInterrupt as stop:
            if common.host is not None:
                raise
            why = str(stop) or "Nothing half-written remains."
            interrupted = PlaygroundError("Interrupted.", why, "Run it again to continue.")
            _fail(interrupted, common, INTERRUPTED)
        finally:
            tempfile.tempdir = usual

    return wrapped  # type: ignore[return-value]  # click's decorators keep the function's own type


def open_store(temp_dir: Path | None, say: Callable[[str], object], limit_bytes: int | None = None) -> ArtifactStore:
    """Open the store of the data folder.

    Args:
        temp_dir: for files in the making; None for the usual place.
        say: gets a line on each kept thing that is found damaged.
        limit_bytes: the most that it may take; None for the usual limit.

    Raises:
        StorageError: it cannot be opened.
    """
    from separation.results.remade import remade
    from storage import ArtifactStore, data_folder

    store = ArtifactStore(
        data_folder(),
        limit_bytes=limit_bytes,
        scratch=temp_dir,
        version=__version__,
        remake=remade,
    )
    for damage in store.index_damages:
        say(printable(f"note: {damage}"))
    store.checks.on_damage = lambda damage: say(printable(f"note: {damage}"))
    return store


@contextmanager
def scratch(temp_dir: Path | None) -> Iterator[Path]:
    """Give a temporary folder where the store has its own, for commands that keep nothing, and sweep that place.

    Raises:
        StorageError: it cannot be made.
    """
    from storage import data_folder
    from storage.sweep import SCRATCH, scratch_in, sweep_scratch

    place = temp_dir or data_folder() / SCRATCH
    with scratch_in(place) as folder:
        sweep_scratch(place, 0)
        yield folder


def printable(name: str) -> str:
    """Return a text without control characters, which could steer the terminal: names come from people and files."""
    return "".join(sign if sign.isprintable() else "?" for sign in name)


def shown(path: Path | str) -> str:
    """Return a path as text that any terminal and JSON can hold, even if its bytes are not valid text."""
    return click.format_filename(path)


def require_source(path: Path) -> None:
    """Check that a recording is there, before anything is made for it.

    Raises:
        AudioError: it is not, or is no file.
    """
    if not path.is_file():
        from separation.audio.decode import probe

        probe(path)


def make_folder(folder: Path, purpose: str) -> None:
    """Make `folder` if needed, and check that it can be written to.

    Raises:
        SettingsError: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise SettingsError(
            f"{folder} cannot hold {purpose}.", f"The system says: {error.strerror}.", "Choose another folder."
        ) from error


def make_folder_of(file: Path | None, purpose: str) -> None:
    """Make the folder of a file that is to be written, if any, unless it goes into a device or a FIFO.

    Raises:
        SettingsError: it cannot be made, or not be written to.
    """
    from separation.audio.files import written_into

    if file is not None and not written_into(file):
        make_folder(file.parent, purpose)


def last_words(error: Exception) -> int:
    """Say what ended a command line before or after its command; return the exit status."""
    ours = _as_ours(error)
    with suppress(OSError):  # nobody can be told any more
        click.echo(f"{type(ours).__name__}: {ours}", err=True)
    return _status(ours)


def plain_error(error: PlaygroundError) -> dict[str, Any]:
    """Return an error as plain values for JSON; `commands` are those that `todo` names, ready to be run."""
    commands = [] if error.action is None else list(error.action.commands)
    sentences = {"what": error.what, "why": error.why, "todo": error.typed}
    return {"error": type(error).__name__, **sentences, "commands": commands}


def _as_ours(error: Exception) -> PlaygroundError:
    """Return the error to show for an error of any kind."""
    if isinstance(error, OSError) and traceback.extract_tb(error.__traceback__)[-1].name == click.echo.__name__:
        why = f"The system says: {error.strerror or error}."
        return FileError("The output cannot be written.", why, "Make room where it goes; files made so far stay.")
    if (ours := foreseen(error)) is not None:
        return ours
    log.error("a command met an error nobody foresaw", exc_info=error)
    return unforeseen("command", error)


def _status(error: PlaygroundError) -> int:
    return next(status for kind, status in EXIT_STATUS if isinstance(error, kind))


def _fail(error: PlaygroundError, common: Common, status: int | None = None) -> NoReturn:
    log.debug("traceback", exc_info=error)
    if common.as_json:
        click.echo(json.dumps(plain_error(error), ensure_ascii=False))
    else:
        click.echo(f"{type(error).__name__}: {error}", err=True)
    sys.exit(status or _status(error))
