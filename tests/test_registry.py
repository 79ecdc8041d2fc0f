"""Which backend serves a request."""

from __future__ import annotations

import pytest

from separation.backends import registry
from separation.backends.protocol import Readiness
from separation.errors import BackendUnavailable, PromptError, SettingsError, WeightsMissing
from separation.request import Request
from tests.fakes import FakeBackend


@pytest.fixture
def backends(monkeypatch):
    """`best` is preferred to `plain`; a test changes what they answer."""
    best = FakeBackend(name="best", names=("drums", "bass", "guitar"), known_models=("large", "small"))
    plain = FakeBackend(name="plain", known_models=("one",))
    monkeypatch.setattr(registry, "BACKENDS", {"best": best, "plain": plain})
    return best, plain


def needs_weights(backend):
    backend.readiness, backend.sentence = Readiness.NEEDS_WEIGHTS, "Download 84 MB once."


def test_auto_takes_the_first_that_can_and_says_so(backends):
    settled, why = registry.choose(Request.of("drums", seed=3))
    assert (settled.backend, settled.model, settled.seed) == ("best", "large", 3)
    assert why == "Best, the best that can do this here."


@pytest.mark.parametrize("readiness", [r for r in Readiness if r is not Readiness.USABLE])
def test_auto_passes_over_what_is_not_usable_and_says_why(backends, readiness):
    backends[0].readiness = readiness
    settled, why = registry.choose(Request.of("drums"))
    assert settled.backend == "plain"
    assert f"Best: {readiness.value}" in why


def test_auto_passes_over_what_cannot_answer_the_prompts(backends):
    assert registry.choose(Request.of("vocals"))[0].backend == "plain"
    assert registry.choose(Request.of("guitar"))[0].backend == "best"


def test_a_prompt_that_no_backend_answers_is_refused_with_what_the_most_capable_one_can_do(backends):
    with pytest.raises(PromptError, match="drums, bass, guitar"):
        registry.choose(Request.of("dog barking"))


def test_a_prompt_that_only_an_unusable_backend_could_answer_is_refused_by_those_that_are_here(backends):
    needs_weights(backends[0])
    with pytest.raises(PromptError, match="Plain leaves guitar inside"):
        registry.choose(Request.of("guitar"))


def test_a_model_named_under_auto_decides_the_backend(backends):
    assert registry.choose(Request.of("drums", model="one"))[0].backend == "plain"
    assert registry.choose(Request.of("drums", model="small"))[0].model == "small"


def test_a_model_that_is_known_but_not_here_is_not_called_unknown(backends):
    needs_weights(backends[0])
    with pytest.raises(WeightsMissing, match="Download 84 MB once"):
        registry.choose(Request.of("drums", model="small"))


def test_a_model_that_no_backend_has_is_refused_by_its_name(backends):
    with pytest.raises(SettingsError, match="“huge”"):
        registry.choose(Request.of("drums", model="huge"))


def test_a_backend_asked_for_by_name_is_taken(backends):
    settled, why = registry.choose(Request.of("drums", backend="plain"))
    assert settled.backend == "plain"
    assert why == "Plain, as asked for. It is a fake."


def test_a_backend_asked_for_by_name_is_never_replaced_by_another(backends):
    with pytest.raises(PromptError, match="Best"):
        registry.choose(Request.of("vocals", backend="best"))


def test_missing_weights_of_a_named_backend_say_what_to_do(backends):
    needs_weights(backends[0])
    with pytest.raises(WeightsMissing, match=r"Best cannot run yet.*Download 84 MB once"):
        registry.choose(Request.of("drums", backend="best"))


def test_a_named_backend_that_cannot_run_here_says_what_to_do(backends):
    backends[0].readiness, backends[0].sentence = Readiness.NEEDS_HARDWARE, "Needs Apple silicon."
    with pytest.raises(BackendUnavailable, match=r"Best cannot run.*Needs Apple silicon") as refusal:
        registry.choose(Request.of("drums", backend="best"))
    assert not isinstance(refusal.value, WeightsMissing)


def test_an_unknown_backend_is_refused_with_the_ones_there_are(backends):
    with pytest.raises(SettingsError, match=r"“demux”.*auto, best, plain"):
        registry.choose(Request.of("drums", backend="demux"))


def test_settling_twice_changes_nothing():
    settled, _ = registry.choose(Request.of("drums", backend="builtin", seed=7))
    assert registry.choose(settled)[0] == settled


def test_there_is_always_a_backend_and_demucs_is_preferred_to_the_built_in_one():
    assert list(registry.BACKENDS) == ["demucs", "builtin"]
    for name, backend in registry.BACKENDS.items():
        assert backend.name == name
        assert backend.label
        assert backend.licence
        assert backend.models()
    assert registry.get("builtin").availability().usable


def test_what_the_built_in_separator_ignores_makes_no_difference_to_a_kept_result():
    plain, _ = registry.choose(Request.of("drums", backend="builtin"))
    seeded, _ = registry.choose(Request.of("drums", backend="builtin", seed=9, device="cuda", model="classical"))
    assert plain == seeded
    assert registry.get("builtin").revision(plain) == registry.get("builtin").revision(seeded)


def test_a_model_that_the_built_in_separator_does_not_have_is_refused_not_replaced():
    with pytest.raises(SettingsError, match=r"“htdemucs”.*classical"):
        registry.choose(Request.of("drums", backend="builtin", model="htdemucs"))
