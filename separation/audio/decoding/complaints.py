"""Catches what a library in C prints to the standard error of the whole program, such as libmpg123 of a damaged MP3."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

log = logging.getLogger(__name__)


class Complaints:
    """What was printed during `caught`.

    Only the main thread catches: elsewhere, as in a server, others may have something to say at the same time.
    """

    def __init__(self) -> None:
        self._file: BinaryIO | None = None
        if threading.current_thread() is threading.main_thread():
            with suppress(OSError):  # no room: then it is printed
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # until `close`

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Catch what is printed in this context, in which no interrupt may arrive."""
        if self._file is None:
            yield
            return
        try:
            usual = os.dup(2)
        except OSError:  # nobody has opened it
            yield
            return
        try:
            os.dup2(self._file.fileno(), 2)
            yield
        finally:
            os.dup2(usual, 2)
            os.close(usual)

    def lines(self) -> list[str]:
        """Return the lines that were caught."""
        if self._file is None:
            return []
        self._file.seek(0)
        return self._file.read().decode("utf-8", "replace").splitlines()

    def close(self) -> None:
        """Put them into the log and forget them."""
        if self._file is not None and not self._file.closed:
            for line in self.lines():
                log.debug("a decoder said: %s", line)
            self._file.close()
