"""Reads, stores and deletes the account's Hugging Face token, in the place where the hub's own library reads it.

It is a file of mode 0600 (`HF_TOKEN_PATH`, by default `token` in `HF_HOME`), the one that the hub's own command
writes. The environment's HF_TOKEN comes before it. The token is never shown.
"""

from __future__ import annotations

import contextlib
import os
from enum import Enum
from pathlib import Path

from separation.audio.files import write_private
from separation.errors import FileError, SettingsError


class Origin(Enum):
    """Where the token comes from."""

    ENVIRONMENT = "environment"
    FILE = "file"


def origin() -> Origin | None:
    """Return where the token for downloads comes from, or None without one; never reads the token itself."""
    if any(os.environ.get(name, "").strip() for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")):
        return Origin.ENVIRONMENT
    with contextlib.suppress(OSError):
        if path().stat().st_size:
            return Origin.FILE
    return None


def path() -> Path:
    """Return the token file of the hub's library."""
    from huggingface_hub import constants

    return Path(constants.HF_TOKEN_PATH)


def is_sound(token: str) -> bool:
    """Whether a text can be sent as a token; the connection would quote an unfit one in its error."""
    return bool(token) and token.isascii() and token.isprintable() and " " not in token


def keep(token: str) -> None:
    """Store the token for downloads of this program and of others, replacing the previous one.

    Raises:
        SettingsError: it is not a token, or cannot be written; the message does not contain it.
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
    except (OSError, FileError) as refused:
        raise _unwritable(file, refused) from refused


def forget() -> None:
    """Delete the token file; a token in the environment and the named ones of the hub's own command stay.

    Raises:
        SettingsError: it cannot be deleted.
    """
    try:
        path().unlink(missing_ok=True)
    except OSError as refused:
        raise _unwritable(path(), refused) from refused


def _unwritable(file: Path, refused: OSError | FileError) -> SettingsError:
    return SettingsError(
        f"The token's file {file} cannot be changed.",
        refused.why if isinstance(refused, FileError) else f"The system says: {refused.strerror}.",
        "Make its folder writable, or name another file in HF_TOKEN_PATH and start again.",
    )
