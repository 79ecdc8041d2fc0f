"""What all commands share: their common options, how errors become exit statuses, and how progress is drawn."""

from __future__ import annotations

import functools
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import click

from separation.errors import AudioError, BackendUnavailable, FileError, PlaygroundError, PromptError, SettingsError
from separation.request import DEVICES

if TYPE_CHECKING:
    from separation.engine.dask import Tls
    from separation.engine.engine import Engine

Function = TypeVar("Function", bound=Callable[..., Any])
EXIT_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (SettingsError, 2),
    (AudioError, 3),
    (FileError, 3),
    (BackendUnavailable, 4),
    (PromptError, 5),
    (PlaygroundError, 6),
)
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


@dataclass(slots=True)
class Host:
    """Who runs a command as one of its steps, given to it as click's `obj`: its result and its errors go there.

    Args:
        common: the host's own options; the command's go before them.
        mark: put before every line the command says.
        rehearsal: the command only settles what it would do, and fails if that makes no sense.
        result: what the command says its result is, once it has.
    """

    common: Common
    mark: str = ""
    rehearsal: bool = False
    result: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Common:
    """The options every command takes, and who runs it if no person does."""

    device: str
    as_json: bool
    temp_dir: Path | None
    host: Host | None = None

    def say(self, line: str) -> None:
        """A line for people; silent when the output is JSON."""
        if not self.as_json:
            click.echo(f"{self.mark}{line}")

    def result(self, values: dict[str, Any]) -> None:
        """The command's result as one JSON line, where asked for."""
        if self.host is not None:
            self.host.result = values
        elif self.as_json:
            click.echo(json.dumps(values, ensure_ascii=False))

    @property
    def mark(self) -> str:
        """What goes before every line: which step of a workflow says it."""
        return "" if self.host is None else self.host.mark

    @property
    def rehearsal(self) -> bool:
        """Whether to settle what to do, and not to do it."""
        return self.host is not None and self.host.rehearsal

    def under(self, host: Host | None) -> Common:
        """These options as they are for a command that `host` runs."""
        if host is None:
            return self
        device = host.common.device if self.device == "auto" else self.device
        return Common(device, self.as_json or host.common.as_json, self.temp_dir or host.common.temp_dir, host)


def gives(*names: str) -> Callable[[Function], Function]:
    """Declare what a command's result holds, which makes it a step that workflows may use.

    Only for commands that make files, delete none, and run no other program.
    """

    def declared(command: Function) -> Function:
        cast(Any, command).gives = names
        return command

    return declared


def given_by(command: click.Command) -> tuple[str, ...]:
    """What a command declared with `gives`; nothing if it is no step of a workflow."""
    names: tuple[str, ...] = getattr(command.callback, "gives", ())
    return names


def common_options(command: Function) -> Function:
    """Add the common options; the command gets them as `common`, and its errors become messages and exit statuses."""

    @click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="warning")
    @click.option("--device", type=click.Choice(DEVICES), default="auto", help="Where models run.")
    @click.option("--temp-dir", type=click.Path(path_type=Path), help="Folder for temporary files.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON line instead of words.")
    @functools.wraps(command)
    def wrapped(
        *arguments: Any, log_level: str, device: str, temp_dir: Path | None, as_json: bool, **options: Any
    ) -> Any:
        logging.basicConfig(level=log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
        common = Common(device, as_json, temp_dir).under(click.get_current_context().find_object(Host))
        usual = tempfile.tempdir
        try:
            if common.temp_dir is not None and not common.rehearsal:
                make_folder(common.temp_dir, "temporary files")
                tempfile.tempdir = str(common.temp_dir)
            return command(*arguments, common=common, **options)
        except PlaygroundError as error:
            if common.host is not None:
                raise
            _fail(error, common)
        except KeyboardInterrupt as stop:
            if common.host is not None:
                raise
            why = str(stop) or "Nothing half-written remains."
            interrupted = PlaygroundError("Interrupted.", why, "Run it again to continue.")
            _fail(interrupted, common, INTERRUPTED)
        finally:
            tempfile.tempdir = usual

    return wrapped  # type: ignore[return-value]  # click's decorators keep the function's own type


@dataclass(frozen=True, slots=True)
class Connection:
    """Which Dask scheduler has the work done, None for a process of this computer; and the files of its TLS."""

    scheduler: str | None
    ca: Path | None
    certificate: Path | None
    key: Path | None

    def tls(self) -> Tls | None:
        """The files together, or None where no TLS was asked for.

        Raises:
            SettingsError: some are missing.
        """
        if self.ca is None and self.certificate is None and self.key is None:
            return None
        if self.scheduler is None or self.ca is None or self.certificate is None or self.key is None:
            raise SettingsError(
                "The scheduler's TLS options are not complete.",
                "It takes --scheduler, --scheduler-ca, --scheduler-certificate and --scheduler-key together.",
                "Add what is missing, or leave all of them out.",
            )
        from separation.engine.dask import Tls

        return Tls(ca=self.ca, certificate=self.certificate, key=self.key)

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """What runs a command's work: the scheduler's workers, or this process."""
        if self.scheduler is None:
            from separation.engine.engine import Inline

            yield Inline()
            return
        from separation.engine.dask import Cluster

        with closing(Cluster(self.scheduler, tls=self.tls())) as cluster:
            yield cluster


def connection_options(command: Function) -> Function:
    """Add the address of a scheduler and the files of its TLS; the command gets them as `connection`."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)

    @click.option("--scheduler", help="Address of a Dask scheduler whose workers do the work.")
    @click.option("--scheduler-ca", type=file, help="Certificate of the authority that its TLS trusts.")
    @click.option("--scheduler-certificate", type=file, help="This program's own certificate for it.")
    @click.option("--scheduler-key", type=file, help="That certificate's private key.")
    @functools.wraps(command)
    def wrapped(
        *arguments: Any,
        scheduler: str | None,
        scheduler_ca: Path | None,
        scheduler_certificate: Path | None,
        scheduler_key: Path | None,
        **options: Any,
    ) -> Any:
        connection = Connection(scheduler, scheduler_ca, scheduler_certificate, scheduler_key)
        return command(*arguments, connection=connection, **options)

    return wrapped  # type: ignore[return-value]  # click's decorators keep the function's own type


def shown(path: Path | str) -> str:
    """A path that any terminal and JSON can hold, whatever bytes its name is made of."""
    return click.format_filename(path)


def make_folder(folder: Path, purpose: str) -> None:
    """Make sure that `folder` is there and can be written to.

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


def _fail(error: PlaygroundError, common: Common, status: int | None = None) -> NoReturn:
    logging.getLogger(__name__).debug("traceback", exc_info=error)
    if common.as_json:
        click.echo(
            json.dumps(
                {"error": type(error).__name__, "what": error.what, "why": error.why, "todo": error.todo},
                ensure_ascii=False,
            )
        )
    else:
        click.echo(f"{type(error).__name__}: {error}", err=True)
    sys.exit(status or next(status for kind, status in EXIT_STATUS if isinstance(error, kind)))
