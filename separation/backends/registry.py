"""The registry of backends, and the choice of the one that serves a request on this computer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from separation.audio.content import Content
from separation.backends import sam_family, voices
from separation.backends.builtin import BuiltinBackend
from separation.backends.builtin_dsp import ClassicalBackend
from separation.backends.demucs import DemucsBackend
from separation.backends.sam_mlx import SamMlxBackend, preferred_here
from separation.backends.sam_official import SamOfficialBackend
from separation.backends.sam_torch import SamTorchBackend
from separation.backends.speech import SpeechBackend
from separation.errors import BackendUnavailable, PlaygroundError, PromptError, SettingsError, WeightsMissing
from separation.model import Availability, Backend, Readiness
from separation.prompts import phrasing, vocabulary
from separation.prompts.vocabulary import answer, whole
from separation.request import Prompt, Request

AUTO = "auto"
SAM_AUDIO = sam_family.NAME
# In the family only where nothing else of it is installed: its random watermark makes no two runs alike.
LAST_RESORT = "sam_official"


def in_order(mlx_preferred: bool) -> dict[str, Backend]:
    """Return all backends by name: fixed stems first, which are fastest; those that work on any computer last."""
    mlx, torch = SamMlxBackend(), SamTorchBackend()
    own = (mlx, torch) if mlx_preferred else (torch, mlx)
    here = (BuiltinBackend(), ClassicalBackend(), SpeechBackend())
    backends: tuple[Backend, ...] = (DemucsBackend(), *own, SamOfficialBackend(), *here)
    return {backend.name: backend for backend in backends}


# The order in which “auto” and the family prefer them, and those that “auto” never takes.
BACKENDS: Mapping[str, Backend] = in_order(preferred_here())
NAMED_ONLY = frozenset({LAST_RESORT} if preferred_here() else {LAST_RESORT, "sam_mlx"})


def get(name: str) -> Backend:
    """Return the backend of that name; an unknown name raises `SettingsError`, which lists those there are."""
    try:
        return BACKENDS[name]
    except KeyError:
        raise SettingsError(
            f"There is no backend “{name}”.", "", f"Choose one of: {AUTO}, {SAM_AUDIO}, {', '.join(BACKENDS)}."
        ) from None


def named(name: str) -> Backend | None:
    """Return the backend that `Request.backend` names, or a family's representative; None for “auto”."""
    if name == SAM_AUDIO:
        return BACKENDS.get(SamTorchBackend.name) or next(iter(_family()), None)
    return BACKENDS.get(name)


def asked_as(backend: Backend) -> str:
    """Return the name by which a request asks for a backend, whichever of its family then runs the model."""
    return SAM_AUDIO if backend in _family() else backend.name


def label_of(name: str) -> str:
    """Return what people call the backend that made a result; its name, if this version has no such backend."""
    backend = BACKENDS.get(name)
    return name if backend is None else backend.label


def shown(name: str) -> Backend:
    """Return the backend whose settings a page shows: the named one, or for “auto” the one that always works."""
    return named(name) or BACKENDS.get(BuiltinBackend.name) or [*BACKENDS.values()][-1]


def choices() -> dict[str, str]:
    """Return the values that `Request.backend` may have, each with its label for people."""
    families = {AUTO: "Automatic", SAM_AUDIO: "SAM-Audio, the best way here"}
    return families | {name: one.profile.label_in_family or one.label for name, one in BACKENDS.items()}


def commands() -> tuple[str, ...]:
    """Return the terminal's `extract` commands in alphabetical order; a family of backends is one command."""
    return tuple(sorted({backend.profile.command or name for name, backend in BACKENDS.items()}))


def choose(request: Request, content: Content | None = None) -> tuple[Request, str]:
    """Choose the backend and model for a request.

    Args:
        request: what is asked for.
        content: what the recording holds, if it is known; needed only where `listens_first`.

    Returns:
        The request with a backend and a model named, and why in one sentence.

    Raises:
        PromptError: no backend here can answer the prompts; the text is the most capable one's.
        BackendUnavailable: the backend or model that was asked for by name cannot run here; `WeightsMissing` if all it
            lacks is its weights.
    """
    if request.backend in (AUTO, SAM_AUDIO):
        return _best(request, content)
    backend = get(request.backend)
    backend.targets(request)
    availability = backend.availability(request)
    if not availability.usable:
        raise _unavailable(backend, availability)
    return backend.settle(request), f"{backend.label}, as asked for. {availability.sentence}"


def listens_first(request: Request) -> bool:
    """Whether what the recording holds, music or talk, decides who answers a request."""
    if request.backend != AUTO or request.model is not None or not voices.in_question(request.prompts):
        return False
    speech = BACKENDS.get(SpeechBackend.name)
    return speech is not None and speech.availability().usable


def suggestions(request: Request, settled: Request) -> tuple[str, ...]:
    """Return prompts that are sure to work, for a backend that takes no others; under “auto” those of music and talk.

    Args:
        request: what is asked for.
        settled: the request, with whoever answers it.
    """
    if request.backend != AUTO or request.model is not None:
        return vocabulary.suggestions(shown(settled.backend).stems(settled))
    usual = Request(prompts=(Prompt(text="drums"),))  # settings with which nothing can be separated change nothing here
    music, _ = choose(usual)
    talk = BACKENDS.get(SpeechBackend.name)
    of_talk = talk.stems(talk.settle(usual)) if talk is not None and talk.availability().usable else ()
    return tuple(dict.fromkeys((*vocabulary.suggestions(shown(music.backend).stems(music)), *of_talk)))


def is_unmeasured(request: Request, settled: Request) -> bool:
    """Whether a request would be settled otherwise than it was once this computer is measured (`Backend.measure`)."""
    backend = get(settled.backend)
    return backend.is_unmeasured(replace(request, backend=backend.name, model=settled.model))


def otherwise(request: Request, content: Content) -> Request | None:
    """Return the request, by name to whoever would answer if the recording held the other of music and talk.

    None if that makes no difference.
    """
    other = Content(1, 0 if content.is_music else 1)
    taken, left = choose(request, content)[0].backend, choose(request, other)[0].backend
    return None if left == taken else replace(request, backend=asked_as(BACKENDS[left]))


def answers(settled: Request) -> dict[str, str]:
    """Return by prompt what it is answered with, as `vocabulary.answer` has it, or the prompt's own words."""
    prompts = {prompt.text.strip() for prompt in settled.prompts}  # and no model's own residuals
    targets = get(settled.backend).targets(settled)
    return {target.name: answer(target) or target.name for target in targets if target.name in prompts}


def answer_notes(settled: Request) -> tuple[str, ...]:
    """Return a sentence on each prompt that is answered with something else than its words say, or may be."""
    backend = get(settled.backend)
    if backend.profile.free_prompts:
        return tuple(filter(None, (phrasing.foreign(prompt.text) for prompt in settled.prompts)))
    found = ((target, answer(target)) for target in backend.targets(settled) if not whole(target))
    plain = (f"“{target.name}” is answered with {answered}." for target, answered in found if answered)
    return (*more_than_asked(settled), *plain)


def more_than_asked(settled: Request) -> tuple[str, ...]:
    """Return a sentence on each prompt of which a track holds far more, as of “kick” the whole drum kit."""
    backend = get(settled.backend)
    found = ((target, whole(target)) for target in backend.targets(settled))
    return tuple(
        f"“{target.name}”: its track {'leaves out' if target.complement else 'holds'} {more}, which {backend.label} "
        "cannot take apart."
        for target, more in found
        if more
    )


def ignored(request: Request, settled: Request) -> tuple[str, ...]:
    """Return what a request has that makes no difference to the backend it was settled for, in words."""
    anchored = any(prompt.anchors for prompt in request.prompts)
    found = {
        "the seed": request.seed != settled.seed,
        "the device": request.device not in (AUTO, settled.device),
        "spans": anchored and not get(settled.backend).takes_anchors,
    }
    return tuple(words for words, without_effect in found.items() if without_effect)


def _best(request: Request, content: Content | None) -> tuple[Request, str]:
    """Return the first backend that can serve the request; with anchors, preferably one that uses them."""
    passed_over: list[str] = []
    refusals: list[PlaygroundError] = []
    anchored = any(prompt.anchors for prompt in request.prompts)
    serving = list(islice(_serving(request, content, passed_over, refusals), None if anchored else 1))
    if not serving:
        raise _refusal(request, refusals)
    if anchored and len(serving) > 1:
        heeding = [pair for pair in serving if pair[0].takes_anchors]
        if heeding:
            ignoring = serving[: serving.index(heeding[0])]
            passed_over += [f"{backend.label}: takes no anchors" for backend, _ in ignoring]
            serving = heeding
    backend, settled = serving[0]
    size = sam_family.size_note(request, settled) if backend in _family() else ""
    heard = f": {voices.sentence(content)}" if content is not None and listens_first(request) else ""
    return settled, f"{backend.label}, the best that can do this here{heard}{_because(passed_over)}{size}"


def _serving(
    request: Request, content: Content | None, passed_over: list[str], refusals: list[PlaygroundError]
) -> Iterator[tuple[Backend, Request]]:
    """Yield backends that can serve the request, preferred first, with it settled; record why the others cannot."""
    for backend in candidates(request, content):
        settled = backend.settle(request)
        availability = backend.availability(settled)
        if not availability.usable:
            passed_over.append(f"{backend.label}: {availability.readiness.value}")
            if request.backend != AUTO or request.model is not None:
                refusals.append(_unavailable(backend, availability))
            continue
        try:
            backend.targets(settled)
        except PromptError as refusal:
            refusals.append(refusal)
            continue
        except SettingsError as refusal:
            passed_over.append(f"{backend.label}: {refusal.what.rstrip('.')}")
            refusals.append(refusal)
            continue
        yield backend, settled


def asked(request: Request, content: Content | None = None) -> Iterator[Backend]:
    """Yield the backends that may serve a request, the preferred first; nothing if it names one that there is not."""
    if request.backend in (AUTO, SAM_AUDIO):
        yield from candidates(request, content)
    elif (backend := named(request.backend)) is not None:
        yield backend


def candidates(request: Request, content: Content | None = None) -> Iterator[Backend]:
    """Yield the backends that “auto” or a family may choose, the preferred first."""
    if request.backend == AUTO:
        open_to = [backend for name, backend in BACKENDS.items() if name not in NAMED_ONLY]
        if voices.spoken(request.prompts, content):
            open_to.sort(key=lambda backend: backend.name != SpeechBackend.name)
        yield from (backend for backend in open_to if request.model is None or request.model in backend.models())
        return
    ours = [backend for backend in _family() if backend.name != LAST_RESORT]
    yield from ours
    absent = all(backend.availability(request).readiness is Readiness.NOT_INSTALLED for backend in ours)
    if absent and LAST_RESORT in BACKENDS:
        yield BACKENDS[LAST_RESORT]


def _family() -> list[Backend]:
    return [backend for backend in BACKENDS.values() if backend.profile.family == SAM_AUDIO]


def _refusal(request: Request, refusals: list[PlaygroundError]) -> PlaygroundError:
    if refusals:
        return refusals[0]
    return SettingsError(
        f"No backend here has the model “{request.model}”.", "", "Leave the model open, or name its backend."
    )


def _unavailable(backend: Backend, availability: Availability) -> BackendUnavailable:
    kind = WeightsMissing if availability.readiness is Readiness.NEEDS_WEIGHTS else BackendUnavailable
    return kind(f"{backend.label} cannot run yet.", availability.sentence, action=availability.action)


def _because(passed_over: list[str]) -> str:
    return f" ({'; '.join(passed_over)})." if passed_over else "."
