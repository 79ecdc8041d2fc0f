"""The passcode that opens a shared studio, and the brake on guessing it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from separation.errors import SettingsError

SHORTEST_PASSCODE = 8  # characters, for passcodes a person makes up
# Without i, l, o, 0 and 1: people read a passcode aloud and type it on a phone.
READABLE = "abcdefghjkmnpqrstuvwxyz23456789"


def generate_passcode() -> str:
    """Three groups of four, such as ``k7fm-2xqd-9hwb``: 12 letters of 31, so 59 bits."""
    return "-".join("".join(secrets.choice(READABLE) for _ in range(4)) for _ in range(3))


class Passcode:
    """A passcode as this process keeps it: a salted scrypt hash, never the text.

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
        """Compare in constant time. Takes about 50 ms and 16 MiB: call it off the event loop."""
        return hmac.compare_digest(self._digest, self._hash(guess))

    def _hash(self, text: str) -> bytes:
        # n = 2^14, r = 8, p = 1 are the interactive parameters of the scrypt paper (Percival 2009).
        return hashlib.scrypt(_canonical(text).encode(), salt=self._salt, n=2**14, r=8, p=1)


@dataclass(slots=True)
class _Attempts:
    """Wrong guesses in a row, the time before which no other is taken, and when the last one came."""

    failures: int = 0
    blocked_until_s: float = 0.0
    last_failure_s: float = 0.0

    def add(self, now_s: float, free: int, longest_wait_s: float) -> None:
        self.failures += 1
        self.last_failure_s = now_s
        if self.failures >= free:
            # The exponent is bounded because a float is not.
            self.blocked_until_s = now_s + min(2.0 ** min(self.failures - free, 20), longest_wait_s)


class GuessLimit:
    """Slows guessing down: a few free mistakes, then waits of 1, 2, 4 ... seconds.

    Each address has its own count, so one guest's mistakes do not keep another out. The count over all addresses
    stops a crowd of addresses, with a short longest wait, so that the crowd cannot keep the owner out either.

    Args:
        clock: seconds that only grow; tests pass their own.
        free: mistakes of one address before it has to wait.
        free_overall: mistakes of all addresses together before everyone has to wait.
        longest_wait_s: where the waits of one address stop growing.
        longest_wait_overall_s: where the waits of everyone stop growing.
        forget_after_s: silence after which mistakes are forgotten.
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
        """Ask to check one guess: 0.0 means go ahead, anything else is the wait in seconds.

        The guess counts as wrong from here on, before it is checked, so that guesses sent at the same moment cannot
        all pass on the same count; `forgive` takes that back.
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
    # One keyboard sends é as one character, another as two.
    return unicodedata.normalize("NFC", text.strip())
