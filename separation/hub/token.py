"""The token by which the hub knows an account: kept where the hub's own library reads it, and shown to nobody.

A file of mode 0600 (`HF_TOKEN_PATH`, by default `token` in `HF_HOME`), the one that “hf auth login” writes. The
environment's HF_TOKEN comes before it.
"""

from __future__ import annotations

import contextlib
import os
from enum import Enum
from pathlib import Path

from separation.audio.files import write_private
from separation.errors import SettingsError


class Origin(Enum):
    """Where the token comes from."""

    ENVIRONMENT = "environment"
    FILE = "file"


def origin() -> Origin | None:
    """Where the token is that downloads use, or None without one; never reads what it is."""
    if any(os.environ.get(name, "").strip() for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")):
        return Origin.ENVIRONMENT
    with contextlib.suppress(OSError):
        if path().stat().st_size:
            return Origin.FILE
    return None


def path() -> Path:
    """The file that the hub's library reads."""
    from huggingface_hub import constants

    return Path(constants.HF_TOKEN_PATH)


def is_sound(token: str) -> bool:
    """Whether it can be sent as one: the connection would quote another in its error."""
    return bool(token) and token.isascii() and token.isprintable() and " " not in token


def keep(token: str) -> None:
    """Write it down for downloads of this program and of others, in place of the one before.

    Raises:
        SettingsError: it is none, or it cannot be written; the message does not hold it.
    """
    token = token.strip()
    if not is_sound(token):
        raise SettingsError(
            "This is not a token.",
            "A token is one word of letters and digits, such as hf_…, without spaces.",
            "Copy it once more from your account's settings, and paste all of it.",
        )
    file = path()
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(file, token)
    except OSError as refused:
        raise _unwritable(file, refused) from refused


def forget() -> None:
    """Delete the file; a token of the environment stays, and so do named ones that “hf auth login” keeps beside it.

    Raises:
        SettingsError: it cannot be deleted.
    """
    try:
        path().unlink(missing_ok=True)
    except OSError as refused:
        raise _unwritable(path(), refused) from refused


def _unwritable(file: Path, refused: OSError) -> SettingsError:
    return SettingsError(
        f"The token's file {file} cannot be changed.",
        f"The system says: {refused.strerror}.",
        "Make its folder writable, or name another file in HF_TOKEN_PATH and start again.",
    )
