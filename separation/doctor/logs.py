"""How this program logs: a line for each thing that happened, whatever it contains, and a fault under its name.

File names, prompts and messages of browsers get into the log, so control characters are written out: a name could
otherwise add lines of its own or steer the terminal that shows them. A traceback is told in the same line, innermost
step first.
"""

from __future__ import annotations

import logging
import os
import traceback
from functools import partial
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import cast

from separation.errors import fault_name

MAX_LINE = 4000  # characters; what is longer loses its middle
MAX_STEPS = 12  # of a traceback: where it happened and how it came there
FILE_BYTES = 1_000_000
N_OLD_FILES = 3  # beside the one that is written to
_HERE = str(Path(__file__).parents[2]) + os.sep


def to_terminal(level: int | str) -> None:
    """Log to the standard error, as the only place so far; what is below `level` is left out."""
    logging.raiseExceptions = False  # a log that cannot be written must not end, or talk, in its own name
    handler = logging.StreamHandler()
    _prepare(handler, "%(levelname)s %(name)s: %(message)s")
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(handler)
    if any(isinstance(one.formatter, Lines) for one in root.handlers):
        root.setLevel(level.upper() if isinstance(level, str) else level)


def to_file(path: Path) -> None:
    """Log to a file too, for its owner alone; it is replaced when it is full, and `N_OLD_FILES` old ones are kept."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = _PrivateFile(path, maxBytes=FILE_BYTES, backupCount=N_OLD_FILES, encoding="utf-8", errors="replace")
    _prepare(handler, "%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(True)


def one_line(text: str) -> str:
    """Return a text as one line of bounded length in which every character can be seen."""
    line = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text.rstrip())
    return line if len(line) <= MAX_LINE else f"{line[: MAX_LINE // 2]} … {line[-MAX_LINE // 2 :]}"


class Lines(logging.Formatter):
    """Formats each record as one line; a fault, which is an error with a traceback, has its name in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        # A copy: other handlers format the same record, and keep what they made of its traceback in it.
        copy = logging.makeLogRecord(record.__dict__)
        error = record.exc_info[1] if record.exc_info else None
        copy.msg, copy.args = _message(record), None
        copy.exc_info = copy.exc_text = copy.stack_info = None
        if error is not None:
            name = f"fault {fault_name(error)}: " if record.levelno >= logging.ERROR else ""
            copy.msg = f"{name}{copy.msg} | {_told(error)}"
        return one_line(super().format(copy))


class _PrivateFile(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        opener = partial(os.open, mode=0o600)
        return cast(
            TextIOWrapper,
            open(self.baseFilename, self.mode, encoding=self.encoding, errors=self.errors, opener=opener),
        )


class _Once(logging.Filter):
    """Lets each error through once: servers pass one on that was logged already."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return True
        said: set[tuple[int, int]] = error.__dict__.setdefault("logged_by", set())
        here = (os.getpid(), id(self))  # an error may come from another process, where it was logged too
        is_new = here not in said
        said.add(here)
        return is_new


def _prepare(handler: logging.Handler, form: str) -> None:
    handler.setFormatter(Lines(form))
    handler.addFilter(_Once())


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # whoever logs it may have given it other arguments than it takes
        return f"{record.msg!r} with {record.args!r}: {error}"


def _told(error: BaseException, n_causes: int = 4) -> str:
    """Return what happened, where, and what it was caused by, innermost step first."""
    steps = reversed(traceback.extract_tb(error.__traceback__)[-MAX_STEPS:])
    where = " < ".join(f"{_short(step.filename)}:{step.lineno} {step.name}" for step in steps)
    told = f"{type(error).__name__}: {error}" + (f" at {where}" if where else "")
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return told if cause is None or n_causes == 0 else f"{told}; after {_told(cause, n_causes - 1)}"


def _short(path: str) -> str:
    """Return a source file's path from its package on."""
    return path.removeprefix(_HERE).rpartition("site-packages/")[2]
