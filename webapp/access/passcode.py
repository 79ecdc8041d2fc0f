"""The passcode of a shared studio: how one is made up, hashed and compared."""

from __future__ import annotations

import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from separation.errors import SettingsError

SHORTEST_PASSCODE = 10  # characters that a passcode must have if a person chooses it
# The letters i, l, o and the digits 0, 1 are left out, since people read a passcode aloud and type it on a phone.
READABLE = "abcdefghjkmnpqrstuvwxyz23456789"
_HASHER = PasswordHasher()  # Argon2id with the library's parameters, those of RFC 9106 for little memory: 64 MiB


def generate_passcode() -> str:
    """Return a random passcode of three groups of four, such as ``k7fm-2xqd-9hwb``: 12 of 31 letters are 59 bits."""
    return "-".join("".join(secrets.choice(READABLE) for _ in range(4)) for _ in range(3))


class Passcode:
    """A passcode, known as its Argon2id hash and never as text.

    Args:
        hashed: the encoded hash, as `of` makes it.

    Raises:
        ValueError: it is none.
    """

    def __init__(self, hashed: str) -> None:
        try:
            _HASHER.check_needs_rehash(hashed)
        except InvalidHashError as error:
            raise ValueError("it is no Argon2 hash") from error
        self.hashed = hashed

    @classmethod
    def of(cls, text: str) -> Passcode:
        """Hash a passcode; takes a third of a second and 64 MiB.

        Raises:
            SettingsError: it has fewer than `SHORTEST_PASSCODE` characters.
        """
        if len(_canonical(text)) < SHORTEST_PASSCODE:
            raise SettingsError(
                "This passcode is too short.",
                f"Everyone on the network can try passcodes, so one needs at least {SHORTEST_PASSCODE} characters.",
                "Choose a longer one, or have one made up.",
            )
        return cls(_HASHER.hash(_canonical(text)))

    def matches(self, guess: str) -> bool:
        """Return whether `guess` is the passcode; takes a third of a second and 64 MiB, off the event loop."""
        try:
            return _HASHER.verify(self.hashed, _canonical(guess))
        except VerificationError:
            return False


def _canonical(text: str) -> str:
    # Some keyboards send é as one character and others as two.
    return unicodedata.normalize("NFC", text.strip())
