"""The host's token: who has it is the host. It is kept in a private file and travels in the printed address."""

from __future__ import annotations

import hashlib
import hmac
import html
import secrets
from pathlib import Path

from separation.audio.files import write_private

PARAMETER = "token"  # of an address
SHORTEST = 43  # characters of 256 bits in base 64

_REDIRECT = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>Audio Playground</title>
<p><a href="{address}">Open the studio</a></p>
"""


def kept_secret(home: Path, name: str) -> str:
    """Read a secret from the file `name` of the data folder, or make one on the first start.

    The file is private to its owner (mode 0600) and appears whole or not at all.
    """
    path = home / name
    if path.exists():
        path.chmod(0o600)
        kept = path.read_text("ascii", "ignore").strip()
        if len(kept) >= SHORTEST:  # less is a damaged file, and a new secret costs nobody much
            return kept
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = secrets.token_urlsafe(32)
    write_private(path, secret)
    return secret


class HostToken:
    """256 random bits, the same for all studios of a data folder and across restarts.

    Args:
        text: the token.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def matches(self, text: str) -> bool:
        """Return whether `text` is the token, in a time that tells nothing about it."""
        # Equal lengths: `compare_digest` may tell how long the other side is.
        own, other = (hashlib.sha256(one.encode("utf-8", "replace")).digest() for one in (self._text, text))
        return hmac.compare_digest(own, other)

    def in_address(self, address: str) -> str:
        """Return an address of the studio's first page that signs its browser in."""
        return f"{address}/?{PARAMETER}={self._text}"

    def redirect_file(self, home: Path, address: str, port: int) -> Path:
        """Write a private page that leads to the studio, and return where it is.

        A browser is started with the name of this file, since every account of a computer can read the arguments of
        its programs.
        """
        path = home / f"open-{port}.html"
        write_private(path, _REDIRECT.format(address=html.escape(self.in_address(address))))
        return path
