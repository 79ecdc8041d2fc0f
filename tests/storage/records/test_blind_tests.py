"""The table of blind tests: what was confirmed stays, and what cannot be read is passed over."""

from __future__ import annotations

import threading

import pytest

from storage.records import BlindTestTable


@pytest.fixture
def table(tmp_path):
    table = BlindTestTable(tmp_path)
    yield table
    table.close()


def test_tests_and_listeners_are_there_for_the_next_one(table, tmp_path):
    table.write_test("t", {"id": "t", "n": 1})
    table.write_listener("t", "l", {"id": "l", "answers": ["A"]})
    table.write_listener("other", "l", {"id": "of another"})
    again = BlindTestTable(tmp_path)
    assert again.tests() == [{"id": "t", "n": 1}] == [again.test("t")]
    assert again.listeners("t") == [{"id": "l", "answers": ["A"]}] == [again.listener("t", "l")]
    again.close()


def test_what_is_not_there_is_none(table):
    assert table.test("t") is None and table.listener("t", "l") is None
    assert table.tests() == table.listeners("t") == []


def test_a_change_sees_what_is_there_and_loses_no_other(table):
    table.write_listener("t", "l", {"answers": []})

    def add(number):
        table.change_listener("t", "l", lambda before: {"answers": [*before["answers"], number]})

    threads = [threading.Thread(target=add, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(table.listener("t", "l")["answers"]) == list(range(20))


def test_a_change_that_fails_changes_nothing(table):
    table.write_listener("t", "l", {"answers": []})
    with pytest.raises(ZeroDivisionError):
        table.change_listener("t", "l", lambda before: 1 / 0)
    assert table.listener("t", "l") == {"answers": []}
    with pytest.raises(KeyError):
        table.change_listener("t", "nobody", dict)


def test_a_test_is_removed_with_its_listeners_and_no_others(table):
    for test in ("t", "t2"):
        table.write_test(test, {"id": test})
        table.write_listener(test, "l", {"of": test})
    table.remove_test("t")
    assert table.tests() == [{"id": "t2"}] and table.listeners("t") == []
    assert table.listeners("t2") == [{"of": "t2"}]


def test_what_cannot_be_read_is_passed_over(table, tmp_path, caplog):
    from storage.table import Table

    table.write_test("good", {"id": "good"})
    raw = Table(tmp_path / "tests", "raw")
    raw.set("test:bad", "{not JSON")
    raw.set("test:list", "[1]")
    raw.close()
    assert table.tests() == [{"id": "good"}] and table.test("bad") is None
    assert "test:bad is passed over" in caplog.text
