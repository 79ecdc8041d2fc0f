"""The passcode of a shared studio, and the limit on guessing it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from separation.errors import SettingsError

SHORTEST_PASSCODE = 8  # characters that a passcode must have if a person chooses it
# The letters i, l, o and the digits 0, 1 are left out, since people read a passcode aloud and type it on a phone.
READABLE = "abcdefghjkmnpqrstuvwxyz23456789"


def generate_passcode() -> str:
    """Return a random passcode of three groups of four, such as ``k7fm-2xqd-9hwb``: 12 of 31 letters are 59 bits."""
    return "-".join("".join(secrets.choice(READABLE) for _ in range(4)) for _ in range(3))


class Passcode:
    """A passcode, kept in memory as a salted scrypt hash and never as text.

    Raises:
        SettingsError: `text` has fewer than `SHORTEST_PASSCODE` characters.
    """

    def __init__(self, text: str) -> None:
        if len(_canonical(text)) < SHORTEST_PASSCODE:
            raise SettingsError(
                "This passcode is too short.",
                f"Everyone on the network can try passcodes, so one needs at least {SHORTEST_PASSCODE} characters.",
                "Choose a longer one, or give --passcode auto to have one generated and printed.",
            )
        self._salt = secrets.token_bytes(16)
        self._digest = self._hash(text)

    def matches(self, guess: str) -> bool:
        """Return whether `guess` is the passcode, in constant time; takes 50 ms and 16 MiB, off the event loop."""
        return hmac.compare_digest(self._digest, self._hash(guess))

    def _hash(self, text: str) -> bytes:
        # n = 2^14, r = 8, p = 1 are the interactive parameters of the scrypt paper (Percival 2009).
        return hashlib.scrypt(_canonical(text).encode(), salt=self._salt, n=2**14, r=8, p=1)


@dataclass(slots=True)
class _Attempts:
    """The number of wrong guesses in a row, when the last one came, and until when no other is accepted."""

    failures: int = 0
    blocked_until_s: float = 0.0
    last_failure_s: float = 0.0

    def add(self, now_s: float, free: int, longest_wait_s: float) -> None:
        self.failures += 1
        self.last_failure_s = now_s
        if self.failures >= free:
            # The exponent is limited, because a float overflows beyond 2.0**1023.
            self.blocked_until_s = now_s + min(2.0 ** min(self.failures - free, 20), longest_wait_s)


class GuessLimit:
    """Slows guessing down: after a few wrong guesses, each further one has to wait 1, 2, 4 ... seconds.

    Each address has its own count, so that one guest's mistakes do not keep another out. A count over all addresses
    slows down a guesser with many addresses; its longest wait is short, so that he cannot keep the owner out either.

    Args:
        clock: returns seconds that only grow; tests pass their own.
        free: how many wrong guesses an address has before it has to wait.
        free_overall: how many wrong guesses all addresses have together before everyone has to wait.
        longest_wait_s: the longest wait of one address.
        longest_wait_overall_s: the longest wait of everyone.
        forget_after_s: seconds without a wrong guess after which the counts start again from zero.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        free: int = 5,
        free_overall: int = 30,
        longest_wait_s: float = 900.0,
        longest_wait_overall_s: float = 10.0,
        forget_after_s: float = 3600.0,
    ) -> None:
        self._clock = clock
        self._free, self._free_overall = free, free_overall
        self._longest_wait_s, self._longest_wait_overall_s = longest_wait_s, longest_wait_overall_s
        self._forget_after_s = forget_after_s
        self._overall = _Attempts()
        self._by_address: dict[str, _Attempts] = {}

    def begin(self, address: str) -> float:
        """Return 0.0 if a guess from `address` may be checked now, else how many seconds it has to wait.

        The guess counts as wrong before it is checked, so that guesses sent at the same moment cannot all pass on the
        same count; `forgive` takes a right one back.
        """
        now_s = self._clock()
        self._forget_old(now_s)
        own = self._by_address.get(address, _Attempts())
        wait_s = max(own.blocked_until_s, self._overall.blocked_until_s) - now_s
        if wait_s > 0:
            return wait_s
        self._by_address[address] = own
        own.add(now_s, self._free, self._longest_wait_s)
        self._overall.add(now_s, self._free_overall, self._longest_wait_overall_s)
        return 0.0

    def forgive(self, address: str) -> None:
        """Reset the count of an address whose guess was right."""
        self._by_address.pop(address, None)
        self._overall.failures = max(self._overall.failures - 1, 0)

    def _forget_old(self, now_s: float) -> None:
        self._by_address = {
            address: tally
            for address, tally in self._by_address.items()
            if now_s - tally.last_failure_s < self._forget_after_s
        }
        if now_s - self._overall.last_failure_s >= self._forget_after_s:
            self._overall = _Attempts()


def _canonical(text: str) -> str:
    # Some keyboards send é as one character and others as two.
    return unicodedata.normalize("NFC", text.strip())
