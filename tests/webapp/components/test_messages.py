"""Messages of a page: one card, each said once, gone with its cause."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from nicegui import Client, ui

from separation.errors import PlaygroundError
from webapp.theme import Messages

FULL = PlaygroundError("It cannot be kept.", "The disk is full.", "Make room.")
GONE = PlaygroundError("It is gone.", "Somebody deleted it.", "Bring it again.")


@pytest.fixture
def messages() -> Iterator[Messages]:
    """Those of a page that no browser has opened."""
    with Client(ui.page("/messages")):
        yield Messages()


def said(messages: Messages) -> list[str]:
    """What happened, of each message."""
    return [element.text for element in messages.descendants() if "error-what" in element.classes]


async def test_the_same_is_said_once_however_often_it_happens(messages: Messages) -> None:
    for _ in range(3):
        messages.say(FULL)
        messages.say(GONE)
    assert said(messages) == ["It cannot be kept.", "It is gone."]


async def test_a_message_goes_with_its_cause_and_may_come_again(messages: Messages) -> None:
    messages.say(FULL, cause="disk")
    messages.say(GONE)
    messages.withdraw("disk")
    assert said(messages) == ["It is gone."]
    messages.say(FULL, cause="disk")
    assert said(messages) == ["It is gone.", "It cannot be kept."]
    messages.clear()
    assert said(messages) == []
    messages.say(GONE)
    assert said(messages) == ["It is gone."]


async def test_what_was_accepted_is_no_alarm(messages: Messages) -> None:
    alarm, note = messages.say(FULL), messages.say(GONE, accepted=True)
    assert (alarm.props["role"], note.props["role"]) == ("alert", "status")
    assert "accepted" in note.classes and "accepted" not in alarm.classes
