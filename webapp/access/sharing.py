"""What a host has decided about sharing; it is kept in a private file and outlives a restart."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from nicegui import Event as PageEvent

from separation.audio.files import write_private
from webapp.access.passcode import Passcode
from webapp.access.roles import GUESTS_USUALLY_MAY, Right

FILE = "sharing.json"
LINK_HOLDS_S = 15 * 60.0
log = logging.getLogger(__name__)


class Sharing:
    """The passcode, what guests may do, and further names of the server.

    Args:
        home: the data folder; None keeps nothing.
        clock: returns seconds that only grow; tests pass their own.

    Attributes:
        passcode: what guests have to know; None if nobody can become one by it.
        guests_may: the rights of all guests.
        names: host names that the server answers to, beside its own.
        changed: is emitted when one of these has changed.
    """

    def __init__(self, home: Path | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.passcode: Passcode | None = None
        self.guests_may = GUESTS_USUALLY_MAY
        self.names: frozenset[str] = frozenset()
        self.changed: PageEvent[[]] = PageEvent()
        self._path, self._clock = None if home is None else home / FILE, clock
        self._links: dict[bytes, float] = {}  # the hashes of one-time links, and until when they hold
        if self._path is not None and self._path.exists():
            self._read(self._path)

    def set_passcode(self, passcode: Passcode | None) -> None:
        """Replace the passcode; who has signed in with the old one stays signed in.

        Raises:
            OSError: it cannot be written down.
        """
        self._keep(passcode=passcode)

    def grant(self, rights: Iterable[Right]) -> None:
        """Decide what guests may do, from now on, also in their open pages.

        Raises:
            OSError: it cannot be written down.
        """
        self._keep(guests_may=frozenset(rights))

    def set_names(self, names: Iterable[str]) -> None:
        """Replace the further host names of the server.

        Raises:
            OSError: they cannot be written down.
        """
        self._keep(names=frozenset(name.strip().lower() for name in names) - {""})

    def new_link(self) -> str:
        """Return the secret of a link by which one person can join, once, within a quarter of an hour."""
        secret = secrets.token_urlsafe(24)
        now_s = self._clock()
        self._links = {one: until_s for one, until_s in self._links.items() if until_s > now_s}
        self._links[sha256(secret.encode()).digest()] = now_s + LINK_HOLDS_S
        return secret

    def has_link(self, secret: str) -> bool:
        """Whether a link can still be used."""
        return self._links.get(_digest(secret), 0.0) > self._clock()

    def use_link(self, secret: str) -> bool:
        """Use up a link; return whether it held."""
        return self._links.pop(_digest(secret), 0.0) > self._clock()

    def _keep(self, **changes: Any) -> None:
        before = {name: getattr(self, name) for name in changes}
        for name, value in changes.items():
            setattr(self, name, value)
        try:
            if self._path is not None:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                write_private(self._path, json.dumps(self._to_dict(), indent=2))
        except BaseException:
            for name, value in before.items():
                setattr(self, name, value)
            raise
        self.changed.emit()

    def _to_dict(self) -> dict[str, Any]:
        return {
            "passcode": None if self.passcode is None else self.passcode.hashed,
            "guests_may": sorted(right.value for right in self.guests_may),
            "names": sorted(self.names),
        }

    def _read(self, path: Path) -> None:
        try:
            path.chmod(0o600)
            kept = json.loads(path.read_text("utf-8"))
            passcode = None if kept["passcode"] is None else Passcode(kept["passcode"])
            guests_may = frozenset(Right(right) for right in kept["guests_may"])
            names = frozenset(str(name) for name in kept["names"])
        except (OSError, KeyError, TypeError, ValueError) as damage:
            log.warning("what was decided about sharing cannot be read, and guests may do nothing for now: %s", damage)
            self.guests_may = frozenset()
            return
        self.passcode, self.guests_may, self.names = passcode, guests_may, names


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "replace")).digest()
