"""Whose what is kept is, who sees it, and who may change it."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage import StorageError
from storage.records import OwnerTable
from storage.table import Table
from tests.support.visitors import EVERYTHING, guest
from webapp.access.belongings import Belongings
from webapp.access.roles import Right, Role
from webapp.access.sessions import owner

SONG, DRUMS, TALK = "a" * 64, "b" * 64, "c" * 64
ANA, BO, HOST = guest("Ana"), guest("Bo"), owner()
DEAF = guest("Ana", EVERYTHING - {Right.LISTEN})


def test_what_nobody_is_known_to_have_brought_is_the_hosts() -> None:
    whose = Belongings()
    assert whose.sees(HOST, SONG) and whose.may_change(HOST, SONG)
    assert whose.sees(ANA, SONG) and not whose.may_change(ANA, SONG)
    assert not whose.sees(DEAF, SONG)


def test_what_a_guest_has_brought_is_his_and_the_hosts() -> None:
    whose = Belongings()
    whose.note(SONG, ANA.people, is_new=True)
    assert whose.sees(ANA, SONG) and whose.may_change(ANA, SONG)
    assert whose.sees(HOST, SONG) and whose.may_change(HOST, SONG)
    assert not whose.sees(BO, SONG) and not whose.may_change(BO, SONG)
    assert whose.sees(DEAF, SONG), "one's own needs no right to listen"
    assert dict(whose.of(SONG).people) == {ANA.person: "Ana"}


def test_who_may_manage_nothing_may_not_manage_what_is_his() -> None:
    whose = Belongings()
    whose.note(SONG, ANA.people, is_new=True)
    assert not whose.may_change(guest("Ana", frozenset({Right.LISTEN})), SONG)


def test_what_two_have_brought_is_both_theirs_and_neither_may_change_it() -> None:
    whose = Belongings()
    whose.note(SONG, ANA.people, is_new=True)
    whose.note(SONG, BO.people, is_new=False)
    for person in (ANA, BO):
        assert whose.sees(person, SONG) and not whose.may_change(person, SONG)
    assert whose.may_change(HOST, SONG)


def test_a_copy_of_what_the_host_had_stays_the_hosts_too() -> None:
    whose = Belongings()
    whose.note(SONG, ANA.people, is_new=False)
    assert whose.sees(BO, SONG) and whose.sees(DEAF, SONG)
    assert not whose.may_change(ANA, SONG)


def test_what_the_host_brought_while_a_guest_was_bringing_the_same_stays_the_hosts() -> None:
    whose = Belongings()
    whose.note(SONG, HOST.people, is_new=True)
    whose.note(SONG, ANA.people, is_new=True)  # it was not here when she began
    assert whose.sees(BO, SONG) and not whose.may_change(ANA, SONG)


def test_of_what_a_guest_had_a_copy_of_the_hosts_is_heard_by_all() -> None:
    whose = Belongings()
    whose.note(SONG, ANA.people, is_new=True)
    whose.note(SONG, HOST.people, is_new=False)
    assert whose.sees(BO, SONG) and not whose.may_change(ANA, SONG)


def test_a_result_is_seen_only_with_its_recording() -> None:
    whose = Belongings(source_of=lambda key: SONG if key == DRUMS else "")
    whose.note(SONG, ANA.people, is_new=True)
    assert not whose.sees(BO, DRUMS), "the host has made it of something that Bo does not hear"
    assert not whose.sees(BO, DRUMS, SONG) and whose.sees(BO, DRUMS, "")
    assert whose.sees(ANA, DRUMS) and not whose.may_change(ANA, DRUMS)
    whose.note(DRUMS, BO.people, is_new=True)
    assert not whose.sees(BO, DRUMS)
    whose.share([SONG], is_shared=True)
    assert whose.sees(BO, DRUMS)


def test_what_is_shared_is_heard_by_those_who_may_listen_until_it_is_not() -> None:
    whose = Belongings()
    whose.note(SONG, BO.people, is_new=True)
    whose.share([SONG], is_shared=True)
    assert whose.sees(ANA, SONG) and not whose.may_change(ANA, SONG) and not whose.sees(DEAF, SONG)
    whose.note(SONG, BO.people, is_new=False)
    assert whose.of(SONG).is_shared, "bringing it again does not hide it"
    whose.share([SONG], is_shared=False)
    assert not whose.sees(ANA, SONG) and whose.sees(BO, SONG)


def test_who_is_signed_out_sees_nothing() -> None:
    whose, gone = Belongings(), guest("Ana")
    whose.note(SONG, gone.people, is_new=True)
    gone.over = True
    assert not whose.sees(gone, SONG) and not whose.may_change(gone, SONG)


def test_a_promoted_guest_brings_for_the_host() -> None:
    whose, ana = Belongings(), guest("Ana")
    whose.note(SONG, ana.people, is_new=True)
    ana.role = Role.HOST
    whose.note(TALK, ana.people, is_new=True)
    assert whose.sees(BO, TALK) and not whose.sees(BO, SONG) and whose.sees(ana, SONG)


def test_it_outlives_a_restart(tmp_path: Path) -> None:
    whose = Belongings(OwnerTable(tmp_path))
    whose.note(SONG, ANA.people, is_new=True)
    whose.note(TALK, BO.people, is_new=True)
    whose.note(DRUMS, HOST.people, is_new=True)
    whose.share([TALK], is_shared=True)
    again = Belongings(OwnerTable(tmp_path))
    assert (again.of(SONG), again.of(TALK), again.of(DRUMS)) == (whose.of(SONG), whose.of(TALK), whose.of(DRUMS))
    assert OwnerTable(tmp_path).owners().keys() == {SONG, TALK}, "of the host's nothing needs to be written"
    again.keep_only([SONG])
    assert OwnerTable(tmp_path).owners().keys() == {SONG}
    assert again.of(TALK).is_hosts


def test_what_cannot_be_read_is_kept_from_guests(tmp_path: Path) -> None:
    OwnerTable(tmp_path).write({SONG: {"people": ["Ana"], "shared": True}, TALK: {"people": {}}})
    whose = Belongings(OwnerTable(tmp_path))
    for key in (SONG, TALK):
        assert not whose.sees(ANA, key) and not whose.may_change(ANA, key) and whose.sees(HOST, key)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Table, "set", refuse)


def test_what_cannot_be_written_down_holds_all_the_same_and_sharing_says_so(tmp_path: Path, full_disk: None) -> None:
    whose = Belongings(OwnerTable(tmp_path))
    whose.note(SONG, ANA.people, is_new=True)
    assert not whose.sees(BO, SONG)
    with pytest.raises(StorageError):
        whose.share([SONG], is_shared=True)
    assert not whose.sees(BO, SONG), "what was not confirmed is not so"
