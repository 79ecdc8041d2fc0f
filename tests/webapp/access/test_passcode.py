"""Passcodes, and the brake on guessing them."""

from __future__ import annotations

import asyncio
import math

import pytest

from separation.errors import SettingsError
from tests.support.clock import Clock
from webapp.access.guessing import AT_ONCE, GuessBrake
from webapp.access.passcode import READABLE, Passcode, generate_passcode

PASSCODE = "correct horse"


def test_generated_passcodes_are_readable_different_and_hard_to_guess() -> None:
    passcodes = {generate_passcode() for _ in range(50)}
    assert len(passcodes) == 50
    for passcode in passcodes:
        groups = passcode.split("-")
        assert [len(group) for group in groups] == [4, 4, 4]
        assert set("".join(groups)) <= set(READABLE)
    assert 12 * math.log2(len(set(READABLE))) >= 50  # bits
    assert not set(READABLE) & set("ilo01")


def test_a_passcode_matches_itself_and_nothing_near_it() -> None:
    passcode = Passcode.of("Grüße 1234")
    assert passcode.matches("Grüße 1234")
    assert passcode.matches(" Gru\u0308ße 1234 ")  # pasted with spaces, ü as two characters
    for guess in ("", "grüße 1234", "Grüße 123", "Grüße 12345"):
        assert not passcode.matches(guess)


def test_a_passcode_is_known_as_a_salted_hash_from_which_it_can_be_made_again() -> None:
    passcode = Passcode.of(PASSCODE)
    assert PASSCODE not in passcode.hashed and passcode.hashed.startswith("$argon2id$")
    assert passcode.hashed != Passcode.of(PASSCODE).hashed, "salted"
    assert Passcode(passcode.hashed).matches(PASSCODE)
    with pytest.raises(ValueError, match="no Argon2 hash"):
        Passcode(PASSCODE)


@pytest.mark.parametrize("text", ["", "auto", "123456789", "  123456789  "])
def test_a_short_passcode_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="at least 10 characters"):
        Passcode.of(text)


async def wrong() -> bool:
    return False


async def right() -> bool:
    return True


async def test_waits_double_after_five_wrong_guesses_and_stop_growing() -> None:
    clock = Clock()
    brake = GuessBrake(clock, longest_wait_s=60)
    assert [await brake.check("a", wrong) for _ in range(5)] == [(False, 0.0)] * 5
    waits_s = []
    for _ in range(8):
        waits_s.append((await brake.check("a", right))[1])
        clock.now_s += waits_s[-1]
        assert await brake.check("a", wrong) == (False, 0.0)
    assert waits_s == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_asking_too_early_does_not_lengthen_the_wait() -> None:
    brake = GuessBrake(Clock())
    for _ in range(5):
        await brake.check("a", wrong)
    assert [await brake.check("a", right) for _ in range(3)] == [(False, 1.0)] * 3


async def test_nobody_is_kept_out_by_others_but_who_has_many_addresses_of_one_network_is() -> None:
    brake = GuessBrake(Clock())
    for number in range(40):
        await brake.check(f"2001:db8::{number:x}", wrong)
        await brake.check(f"192.0.2.{number}", wrong)
    assert await brake.check("2001:db8::ffff", right) == (False, 1.0)
    assert await brake.check("2001:db8:0:1::1", right) == (True, 0.0)
    assert await brake.check("192.0.2.77", right) == (True, 0.0)
    for _ in range(6):
        await brake.check("192.0.2.9", wrong)
    assert (await brake.check("::ffff:192.0.2.9", right))[0] is False, "the same address, as IPv6 writes it"


async def test_a_right_passcode_or_a_long_silence_clears_the_count() -> None:
    clock = Clock()
    brake = GuessBrake(clock, forget_after_s=3600)
    for _ in range(4):
        await brake.check("a", wrong)
    assert await brake.check("a", right) == (True, 0.0)
    assert [await brake.check("a", wrong) for _ in range(5)] == [(False, 0.0)] * 5
    assert (await brake.check("a", wrong))[1] > 0
    clock.now_s += 3600
    assert [await brake.check("a", wrong) for _ in range(5)] == [(False, 0.0)] * 5


async def test_two_guesses_are_checked_at_once_one_of_each_address_and_a_fresh_one_waits_for_one_of_each() -> None:
    brake = GuessBrake()
    checking: list[str] = []
    most, done = 0, []

    async def slowly(address: str, is_right: bool) -> bool:
        nonlocal most
        checking.append(address)
        most = max(most, len(checking))
        assert len(set(checking)) == len(checking)
        await asyncio.sleep(0.01)
        checking.remove(address)
        done.append(address)
        return is_right

    crowd = [f"192.0.2.{number}" for number in range(6)] * 5
    guesses = [asyncio.create_task(brake.check(one, lambda one=one: slowly(one, False))) for one in crowd]
    await asyncio.sleep(0)
    assert await brake.check("198.51.100.1", lambda: slowly("198.51.100.1", True)) == (True, 0.0)
    assert len(done) <= 7 + AT_ONCE
    answers = await asyncio.gather(*guesses)
    assert most == AT_ONCE
    assert sum(wait_s == 0 for _, wait_s in answers) == 6, "the others of each address came while one was checked"
