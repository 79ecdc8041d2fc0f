"""What an error can be answered with: a command in a terminal, a button on a page; it stays with the error."""

from __future__ import annotations

import pickle
from dataclasses import asdict

import pytest

from separation.backends import catalogue, registry
from separation.cli.common import plain_error
from separation.errors import Action, ActionKind, PlaygroundError, SettingsError, WeightsMissing
from separation.events import Warned
from separation.hub.digests import RevisionChanged
from separation.model import Availability, Readiness
from separation.request import Request
from tests.support.fake_hub import installed

GET = Action.download("small")


def test_the_terminal_reads_the_command_after_the_sentences_and_a_page_none():
    error = WeightsMissing("It is not here.", "Nobody fetched it.", "It has 1 GB.", action=GET)
    plain = "It is not here. Nobody fetched it. It has 1 GB."
    assert error.message == plain
    assert str(error) == f"{plain} Download small: “audio-playground models download small”."


@pytest.mark.parametrize(
    "error",
    [
        PlaygroundError("What.", "Why.", "Todo.", action=GET),
        SettingsError("What.", action=Action.choose_sources(), place=("prompts", 0)),
        RevisionChanged("What.", "Why.", "Todo.", "someone/model", action=Action.new_revision("small")),
    ],
)
def test_an_error_keeps_its_action_between_processes(error):
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.action) == (type(error), str(error), error.action)


@pytest.mark.parametrize("action", [GET, Action.sign_in("small"), Action.install("demucs", again=True)])
def test_an_action_can_be_stored_as_plain_values(action):
    assert Action.from_dict(asdict(action)) == action
    assert Action.from_dict(None) is None


def test_an_action_of_a_kind_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="dance"):
        Action.from_dict({**asdict(GET), "kind": "dance"})


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        (Action.install("demucs"), "Install the package “demucs” and start again: “pip install demucs”."),
        (Action.install("a-b>=1,<2"), 'Install the package “a-b” and start again: “pip install "a-b>=1,<2"”.'),
        (
            Action.install("audio-playground[official]"),
            'Install this program with “official” and start again: “pip install "audio-playground[official]"”.',
        ),
        (
            Action.install("demucs", again=True),
            "Reinstall the package “demucs” and start again: “pip install --force-reinstall demucs”.",
        ),
        (
            Action.sign_in("small"),
            "Keep your token here: “hf auth login”, then “audio-playground models download small”.",
        ),
        (Action.accept_licence("small").commands[0], "audio-playground models download small --accept-licence"),
        (Action.new_revision("small").commands[0], "audio-playground models download small --new-revision"),
    ],
)
def test_what_an_action_says_in_a_terminal(action, sentence):
    assert (action.sentence if isinstance(action, Action) else action) == sentence


def test_what_a_backend_lacks_and_a_warning_say_their_command_too():
    lacks = Availability(readiness=Readiness.NEEDS_WEIGHTS, sentence="It is not here.", action=GET)
    assert str(lacks) == f"It is not here. {GET.sentence}"
    assert str(Warned(message="Nobody works.", action=Action.start_worker("tcp://a:1"))).endswith(
        "Start a worker that joins tcp://a:1: “audio-playground worker --scheduler tcp://a:1”."
    )


def test_json_has_the_commands_apart_from_the_sentence():
    found = plain_error(PlaygroundError("What.", "Why.", "Todo.", action=GET))
    assert found["commands"] == ["audio-playground models download small"]
    assert found["todo"] == f"Todo. {GET.sentence}"


def test_every_download_that_a_backend_asks_for_is_one_of_the_catalogue(tmp_path, monkeypatch):
    with installed(tmp_path, monkeypatch):
        names = {entry.name for entry in catalogue.entries()}
        wanted = []
        for backend in registry.BACKENDS.values():
            for model in backend.models():
                action = backend.availability(Request.of("drums", backend=backend.name, model=model)).action
                if action is not None and action.kind is ActionKind.DOWNLOAD:
                    wanted.append(action.subject)
    assert wanted and names.issuperset(wanted)
