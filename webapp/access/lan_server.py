"""Sharing that is switched on and off while the studio runs: a second server of its pages, on further addresses."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvicorn
from nicegui import Event as PageEvent
from starlette.types import ASGIApp

from separation.errors import SettingsError
from webapp.access import listening
from webapp.access.rules import AccessRules, is_loopback

GRACE_S = 2  # for answers under way when sharing is turned off
LOOK_S = 0.02


class LanServer:
    """The sockets at which other computers reach the studio, beside the one that serves this computer.

    Args:
        app: what is served.
        rules: where the studio listens, and what it asks of a browser.
        certificate: the files of the TLS certificate and its key, if it has one.

    Attributes:
        changed: is emitted when the sockets were opened or closed.
    """

    def __init__(self, app: ASGIApp, rules: AccessRules, certificate: tuple[Path, Path] | None = None) -> None:
        self.changed: PageEvent[[]] = PageEvent()
        self._app, self._rules, self._certificate = app, rules, certificate
        self._names: list[str] = []
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None
        self._turning = asyncio.Lock()  # two hosts may turn the switch at once

    @property
    def is_fixed(self) -> bool:
        """Whether the studio was started so that other computers reach it, which holds until it ends."""
        return not is_loopback(self._rules.host)

    @property
    def is_open(self) -> bool:
        """Whether other computers reach the studio."""
        return self.is_fixed or self._server is not None

    def addresses(self) -> tuple[str, ...]:
        """Return what other computers type into a browser; nothing where they do not reach the studio."""
        port, tls = self._rules.port, self._certificate is not None
        if self.is_fixed:
            return listening.shared_addresses(self._rules.host, port, tls=tls)
        return listening.in_browsers(self._names, port, tls=tls)

    async def open(self) -> None:
        """Listen on all IPv4 addresses of this computer too, at the same port.

        Raises:
            SettingsError: there is no passcode, this computer is on no network, or it cannot listen there.
        """
        async with self._turning:
            if self.is_open:
                return
            if self._rules.sharing.passcode is None:
                raise SettingsError(
                    "This studio cannot be shared without a passcode.",
                    "Everyone on the network could try to come in, and nobody could.",
                    "Make a passcode first.",
                )
            names = listening.network_addresses()
            sockets = _sockets(names, self._rules.port)
            try:
                self._server = await self._started(sockets)
            except BaseException:
                for one in sockets:
                    one.close()
                raise
            self._names = names
        self.changed.emit()

    async def close(self) -> None:
        """Stop listening there and hang up on who came that way; sessions stay, for when it is opened again."""
        if self._server is not None:
            await self.stop()
            self.changed.emit()

    async def stop(self) -> None:
        """Do what `close` does as the studio ends, when no page is told any more."""
        # NiceGUI cancels the tasks of pages then; one that has just been told something outlives that (Python 3.11).
        async with self._turning:
            if self._server is not None and self._task is not None:
                self._server.should_exit = True
                await self._task
                self._server, self._task, self._names = None, None, []

    async def _started(self, sockets: Sequence[socket.socket]) -> uvicorn.Server:
        certificate, key = self._certificate or (None, None)
        config = uvicorn.Config(
            self._app,
            lifespan="off",  # the application has started already
            ws="wsproto",
            log_config=None,  # the log is that of the whole program
            log_level="warning",
            proxy_headers=False,  # a header must not choose the address that the passcode's brake counts
            timeout_graceful_shutdown=GRACE_S,
            ssl_certfile=certificate,
            ssl_keyfile=None if key is None else str(key),
        )
        try:
            config.load()
        except OSError as error:  # SSL's errors are some
            raise SettingsError(
                "The studio cannot be shared over https.",
                f"Its certificate cannot be read any more: {error.strerror or error}.",
                "Put the files back where they were when the studio was started.",
            ) from None
        server = _Beside(config)
        self._task = asyncio.create_task(server.serve(sockets=list(sockets)))
        while not server.started:
            if self._task.done():
                await self._task  # raises why
            await asyncio.sleep(LOOK_S)
        return server


class _Beside(uvicorn.Server):
    """A server beside the main one, which alone takes the signals that end the program."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the main server."""
        yield


def _sockets(names: Sequence[str], port: int) -> list[socket.socket]:
    if not names:
        raise SettingsError(
            "This computer is not on a network.",
            "It has no address at which another computer could reach it.",
            "Connect it to a network and turn sharing on again.",
        )
    made: list[socket.socket] = []
    try:
        for name in names:
            made.append(one := socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            if os.name == "posix":  # elsewhere it would take the port from a program that has it
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of before may still be closing
            one.bind((name, port))
    except OSError as error:
        for one in made:
            one.close()
        raise SettingsError(
            f"The studio cannot be shared at {name}.",
            f"Port {port} cannot be used there: {error.strerror}.",
            "End the program that has it, or start the studio on another port.",
        ) from None
    return made
