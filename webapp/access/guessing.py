"""The brake on guessing passcodes."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

AT_ONCE = 2  # guesses that are checked at the same time: each takes 64 MiB
NETWORK_BITS = 64  # of an IPv6 address; who has one address of a network usually has them all


@dataclass(slots=True)
class _Guesser:
    """The wrong guesses of an address in a row, until when no other is taken, and whether one is being checked."""

    n_wrong: int = 0
    waits_until_s: float = 0.0
    last_s: float = 0.0
    checking: bool = False


class GuessBrake:
    """Lets each address make one guess at a time, and after a few wrong ones wait 1, 2, 4 ... seconds for the next.

    Nobody is kept out by the mistakes of others. Many addresses that guess are slowed down together, as two guesses are
    checked at once, in the order in which they came; so a right passcode from a fresh address waits for at most one
    guess of each other address.

    Args:
        clock: returns seconds that only grow; tests pass their own.
        n_free: how many wrong guesses an address has before it has to wait.
        longest_wait_s: the longest wait.
        forget_after_s: seconds without a wrong guess after which an address starts anew.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        n_free: int = 5,
        longest_wait_s: float = 900.0,
        forget_after_s: float = 3600.0,
    ) -> None:
        self._clock = clock
        self._n_free, self._longest_wait_s, self._forget_after_s = n_free, longest_wait_s, forget_after_s
        self._by_address: dict[str, _Guesser] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)  # first come, first served

    async def check(self, address: str, is_right: Callable[[], Coroutine[Any, Any, bool]]) -> tuple[bool, float]:
        """Check a guess from `address`, if it is this address's time.

        Args:
            address: where it comes from.
            is_right: checks it.

        Returns:
            Whether it is right, and how many seconds the address has to wait if it was not checked.
        """
        self._forget_old()
        guesser = self._by_address.setdefault(_network(address), _Guesser())
        wait_s = guesser.waits_until_s - self._clock()
        if guesser.checking or wait_s > 0:
            return False, max(wait_s, 1.0)
        guesser.checking = True
        try:
            async with self._turn:
                right = await is_right()
        finally:
            guesser.checking = False
        self._count(guesser, right)
        return right, 0.0

    def _count(self, guesser: _Guesser, right: bool) -> None:
        guesser.last_s = self._clock()
        guesser.n_wrong = 0 if right else guesser.n_wrong + 1
        if guesser.n_wrong >= self._n_free:
            # The exponent is limited, because a float overflows beyond 2.0**1023.
            wait_s = min(2.0 ** min(guesser.n_wrong - self._n_free, 20), self._longest_wait_s)
            guesser.waits_until_s = guesser.last_s + wait_s

    def _forget_old(self) -> None:
        now_s = self._clock()
        self._by_address = {
            address: guesser
            for address, guesser in self._by_address.items()
            if guesser.checking or now_s - guesser.last_s < self._forget_after_s
        }


def _network(address: str) -> str:
    """Return the network of an IPv6 address, and an IPv4 address as it is."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = getattr(found, "ipv4_mapped", None)
    if mapped is not None or found.version == 4:
        return str(mapped or found)
    return str(ipaddress.ip_network((found, NETWORK_BITS), strict=False))
