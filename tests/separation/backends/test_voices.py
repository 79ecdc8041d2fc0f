"""Who answers “voice”: in a song the singing, in an interview the talking."""

from __future__ import annotations

import pytest

from separation.audio.content import Content
from separation.audio.waveform import Waveform
from separation.backends import registry
from separation.backends.voices import sentence
from separation.events import BackendChosen
from separation.pipeline.separate import separate
from separation.request import Request
from tests.support.fakes import FakeBackend
from tests.support.songs_and_talks import song, talk
from tests.support.speaker import RATE

MUSIC, TALK = Content(12, 11), Content(12, 1)


@pytest.fixture(autouse=True)
def backends(monkeypatch):
    """The speech separator and the built-in one, both usable here."""
    speech, builtin = registry.get("speech"), registry.get("builtin")
    monkeypatch.setattr("separation.models.speech.carrier.find", lambda: ("library", "weights", "1"))
    monkeypatch.setattr(registry, "BACKENDS", {"builtin": builtin, "speech": speech})


def chosen(*prompts, content=None, **settings):
    return registry.choose(Request.of(*prompts, **settings), content)[0].backend


@pytest.mark.parametrize("words", ["voice", "vocals", "speech", "talking", "narration", "a woman's voice", "Stimme"])
def test_a_voice_is_spoken_in_talk_and_sung_in_music(words):
    assert chosen(words, content=TALK) == "speech"
    assert chosen(words, content=MUSIC) == "builtin"


@pytest.mark.parametrize("words", ["singing", "choir", "lead vocals", "rap", "woman singing"])
def test_who_asks_for_singing_gets_it(words):
    assert chosen(words, content=TALK) == "builtin"


@pytest.mark.parametrize("words", ["drums", "instrumental", "no vocals", "voice and drums"])
def test_what_is_no_voice_alone_is_left_to_the_others(words):
    assert chosen(words, content=TALK) == "builtin"


def test_noise_is_what_only_the_speech_separator_has():
    assert chosen("noise") == chosen("background noise", content=MUSIC) == "speech"
    assert chosen("voice", "noise", content=TALK) == "speech"


def test_of_a_recording_that_nobody_listened_to_the_word_decides():
    assert (chosen("speech"), chosen("voice")) == ("speech", "builtin")


def test_it_is_said_what_the_recording_sounds_like():
    _, why = registry.choose(Request.of("voice"), TALK)
    assert "this sounds like talk (1 of 12 passages holds notes or a beat)" in why
    _, why = registry.choose(Request.of("voice"), Content(12, 0))
    assert "talk (none of 12" in why
    _, why = registry.choose(Request.of("voice"), MUSIC)
    assert "Built-in separator" in why and "music (11 of 12" in why


def test_who_would_have_answered_otherwise_is_known():
    assert registry.otherwise(Request.of("voice"), TALK).backend == "builtin"
    assert registry.otherwise(Request.of("voice"), MUSIC).backend == "speech"
    assert registry.otherwise(Request.of("singing"), MUSIC) is None


def test_nobody_listens_where_it_makes_no_difference(monkeypatch):
    assert registry.listens_first(Request.of("voice"))
    assert registry.listens_first(Request.of("voice", "noise"))
    for request in (
        Request.of("noise"),
        Request.of("drums"),
        Request.of("singing"),
        Request.of("voice", backend="builtin"),
        Request.of("voice", model="network"),
    ):
        assert not registry.listens_first(request)
    monkeypatch.setattr("separation.models.speech.carrier.find", lambda: None)
    assert not registry.listens_first(Request.of("voice"))


def test_without_the_speech_separator_another_answers(monkeypatch):
    monkeypatch.setattr("separation.models.speech.carrier.find", lambda: None)
    settled, why = registry.choose(Request.of("speech"), TALK)
    assert settled.backend == "builtin" and "Speech separator: not installed" in why


def test_a_run_listens_to_the_recording(monkeypatch):
    fakes = {name: FakeBackend(name=name) for name in ("builtin", "speech")}
    monkeypatch.setattr(registry, "BACKENDS", fakes)
    for made, backend in ((song(3), "builtin"), (talk(3), "speech")):
        first = next(iter(separate(Waveform(made, RATE), Request.of("voice"))))
        assert isinstance(first, BackendChosen) and first.backend == backend


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (Content(1, 0), "this sounds like talk (it holds no notes and no beat)"),
        (Content(1, 1), "this sounds like music (it holds notes or a beat)"),
        (Content(4, 0), "this sounds like talk (none of 4 passages hold notes or a beat)"),
        (Content(4, 4), "this sounds like music (4 of 4 passages hold notes or a beat)"),
    ],
)
def test_what_was_heard_is_said_in_a_whole_sentence(content, said):
    assert sentence(content) == said
