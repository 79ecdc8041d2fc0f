"""Which backend serves a request."""

from __future__ import annotations

import pytest

from separation.backends import registry, sam_mlx
from separation.errors import BackendUnavailable, PromptError, SettingsError, WeightsMissing
from separation.model import Availability, BackendProfile, Readiness
from separation.request import Anchor, Prompt, Request
from tests.support.fakes import FakeBackend


class Fake(FakeBackend):
    """A fake that says whether it heeds anchors, and can lack a setting."""

    lacks = ""

    def targets(self, request):
        if self.lacks:
            raise SettingsError(self.lacks)
        return super().targets(request)


@pytest.fixture
def backends(monkeypatch):
    """`best` is preferred to `plain`; a test changes what they answer."""
    best = Fake(name="best", names=("drums", "bass", "guitar"), known_models=("large", "small"))
    plain = Fake(name="plain", known_models=("one",))
    monkeypatch.setattr(registry, "BACKENDS", {"best": best, "plain": plain})
    return best, plain


def needs_weights(backend):
    backend.readiness, backend.sentence = Readiness.NEEDS_WEIGHTS, "Download 84 MB once."


@pytest.mark.parametrize("prompt", ["drums", "speech", "noise"])
def test_auto_suggests_sounds_of_music_and_of_talk_each_of_which_works_alone(prompt):
    request = Request.of(prompt)
    suggested = registry.suggestions(request, registry.choose(request)[0])
    assert {"drums", "vocals", "speech", "noise"} <= set(suggested)
    for one in suggested:
        registry.choose(Request.of(one))


@pytest.mark.parametrize("backend", ["builtin", "speech"])
def test_a_named_backend_suggests_what_it_can_do_alone(backend):
    request = Request.of("speech", backend=backend)
    suggested = set(registry.suggestions(request, registry.choose(request)[0]))
    assert suggested - {"instrumental"} == set(registry.get(backend).stems(registry.get(backend).settle(request)))


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
    with pytest.raises(SettingsError, match=r"“demux”.*auto, sam-audio, best, plain"):
        registry.choose(Request.of("drums", backend="demux"))


def test_settling_twice_changes_nothing():
    settled, _ = registry.choose(Request.of("drums", backend="builtin", seed=7))
    assert registry.choose(settled)[0] == settled


# Anchors


ANCHORED = Request(prompts=(Prompt(text="drums", anchors=(Anchor(sign="+", start_s=0, stop_s=1),)),))


def test_auto_passes_over_what_ignores_anchors_if_another_heeds_them(backends):
    backends[1].takes_anchors = True
    settled, why = registry.choose(ANCHORED)
    assert settled.backend == "plain"
    assert why == "Plain, the best that can do this here (Best: takes no anchors)."


@pytest.mark.parametrize("heeded_by_best", [False, True])
def test_anchors_change_nothing_where_the_best_heeds_them_or_nobody_does(backends, heeded_by_best):
    backends[0].takes_anchors = heeded_by_best
    settled, why = registry.choose(ANCHORED)
    assert settled.backend == "best"
    assert "anchors" not in why


def test_a_backend_that_heeds_anchors_and_cannot_answer_is_not_taken_for_them(backends):
    backends[0].takes_anchors = True
    backends[0].names = ("guitar",)
    assert registry.choose(ANCHORED)[0].backend == "plain"


def test_demucs_leaves_anchors_to_sam_audio(monkeypatch):
    usable = Availability(readiness=Readiness.USABLE, sentence="It is here.")
    for name in ("demucs", "sam_torch"):
        monkeypatch.setattr(type(registry.get(name)), "availability", lambda self, request=None: usable)
    assert registry.choose(Request.of("drums"))[0].backend == "demucs"
    settled, why = registry.choose(ANCHORED)
    assert registry.get(settled.backend).profile.family == registry.SAM_AUDIO
    assert "Demucs: takes no anchors" in why


# The family of SAM-Audio


@pytest.fixture
def family(monkeypatch):
    """Fakes in the places of the family, and one before and one after it."""
    names = ("demucs", "sam_torch", "sam_mlx", "sam_official", "builtin")
    fakes = {
        name: Fake(name=name, known_models=("small",), profile=BackendProfile(family=registry.get(name).profile.family))
        for name in names
    }
    monkeypatch.setattr(registry, "BACKENDS", fakes)
    monkeypatch.setattr(registry, "NAMED_ONLY", frozenset({"sam_mlx", "sam_official"}))
    return fakes


def test_the_family_is_served_by_the_first_of_its_own(family):
    assert registry.choose(Request.of("drums"))[0].backend == "demucs"
    assert registry.choose(Request.of("drums", backend="sam-audio"))[0].backend == "sam_torch"


def test_a_folder_is_a_model_of_the_family(family):
    settled, _ = registry.choose(Request.of("drums", backend="sam-audio", model="some/folder"))
    assert (settled.backend, settled.model) == ("sam_torch", "some/folder")


def test_the_family_falls_back_on_another_of_its_own_and_says_why(family):
    family["sam_torch"].readiness = Readiness.NOT_INSTALLED
    settled, why = registry.choose(Request.of("drums", backend="sam-audio"))
    assert settled.backend == "sam_mlx"
    assert "Sam_torch: not installed" in why


def test_a_setting_that_one_of_the_family_lacks_is_left_to_the_next(family):
    family["sam_torch"].lacks = "There is no int8."
    settled, why = registry.choose(Request.of("drums", backend="sam-audio"))
    assert settled.backend == "sam_mlx"
    assert "Sam_torch: There is no int8" in why
    with pytest.raises(SettingsError, match="There is no int8"):
        registry.choose(Request.of("drums", backend="sam_torch"))


def test_the_official_code_serves_the_family_only_where_nothing_else_of_it_is_installed(family):
    family["sam_torch"].readiness = Readiness.NOT_INSTALLED
    needs_weights(family["sam_mlx"])
    with pytest.raises(BackendUnavailable, match="Sam_torch cannot run yet"):
        registry.choose(Request.of("drums", backend="sam-audio"))
    family["sam_mlx"].readiness = Readiness.NOT_INSTALLED
    assert registry.choose(Request.of("drums", backend="sam-audio"))[0].backend == "sam_official"


@pytest.mark.parametrize("name", ["sam_mlx", "sam_official"])
def test_some_are_taken_by_name_and_never_by_auto(family, name):
    family["demucs"].readiness = family["sam_torch"].readiness = Readiness.NOT_INSTALLED
    assert registry.choose(Request.of("drums"))[0].backend == "builtin"
    assert registry.choose(Request.of("drums", backend=name))[0].backend == name


def test_the_family_that_cannot_run_says_what_to_do(family):
    needs_weights(family["sam_torch"])
    family["sam_mlx"].readiness = Readiness.NOT_INSTALLED
    with pytest.raises(WeightsMissing, match="Download 84 MB once"):
        registry.choose(Request.of("drums", backend="sam-audio"))


def test_mlx_asked_for_by_name_says_why_it_cannot_be_used(monkeypatch):
    monkeypatch.setattr(sam_mlx.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendUnavailable, match=r"MLX\) cannot run yet.*(pip install|Apple silicon)"):
        registry.choose(Request.of("a dog", backend="sam_mlx"))


@pytest.mark.parametrize("preferred", [False, True])
def test_mlx_comes_first_of_the_family_where_it_is_preferred(preferred):
    names = list(registry.in_order(mlx_preferred=preferred))
    own = ["sam_mlx", "sam_torch"] if preferred else ["sam_torch", "sam_mlx"]
    assert names == ["demucs", *own, "sam_official", "builtin", "builtin-dsp", "speech"]


# Those there are


def test_there_is_always_a_backend_and_every_one_says_who_it_is():
    assert list(registry.BACKENDS) == list(registry.in_order(mlx_preferred=sam_mlx.preferred_here()))
    for name, backend in registry.BACKENDS.items():
        assert backend.name == name
        assert backend.label
        assert backend.licence
        assert backend.models()
        assert backend.availability().sentence
        assert backend.takes_anchors is (backend.profile.family == registry.SAM_AUDIO)
    assert registry.get("builtin").availability().usable
    assert registry.get("builtin-dsp").availability().usable


def test_what_the_classical_separator_ignores_makes_no_difference_to_a_kept_result():
    plain, _ = registry.choose(Request.of("drums", backend="builtin-dsp"))
    seeded, _ = registry.choose(Request.of("drums", backend="builtin-dsp", seed=9, device="cuda", model="classical"))
    assert plain == seeded
    assert registry.get("builtin-dsp").revision(plain) == registry.get("builtin-dsp").revision(seeded)


def test_a_model_that_the_built_in_separator_does_not_have_is_refused_not_replaced():
    with pytest.raises(SettingsError, match=r"“htdemucs”.*network"):
        registry.choose(Request.of("drums", backend="builtin", model="htdemucs"))
    with pytest.raises(SettingsError, match=r"“htdemucs”.*classical"):
        registry.choose(Request.of("drums", backend="builtin-dsp", model="htdemucs"))


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("batería", "try “drums”"),
        ("Schlagzeug", "try “drums”"),
        ("犬の鳴き声", "may not be understood"),
        ("собака", "may not be understood"),
        ("perro pequeño", "may not be understood"),
        ("dog barking", ""),
        ("piano", ""),
    ],
)
def test_a_model_that_learned_english_says_so_of_other_languages(prompt, said):
    notes = registry.answer_notes(Request.of(prompt, backend="sam_torch"))
    assert [said in note and "trained on English" in note for note in notes] == ([True] if said else [])
