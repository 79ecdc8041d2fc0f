"""`Choice`: who separates what of a draft, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace

from separation.audio.content import Content
from separation.backends import offers, registry
from separation.backends.offers import Offer
from separation.backends.partial_answers import answerable
from separation.errors import Action, PlaygroundError, PromptError
from separation.model import Backend, Readiness
from separation.request import Request
from webapp.state.drafts import Draft


@dataclass(frozen=True, slots=True)
class Choice:
    """The backend chosen for a draft.

    Attributes:
        settled: the request with backend and model named, of those prompts that can be answered.
        why: the reason for the choice.
        possible: whether that request can be served.
        offer: a model that could be fetched for the draft.
        action: what else can be done if it cannot be served.
        left_out: the prompts that nobody here can answer.
    """

    settled: Request
    why: str
    possible: bool
    offer: Offer | None = None
    action: Action | None = None
    left_out: tuple[str, ...] = ()

    @property
    def lacking(self) -> bool:
        """Whether the choice would be another if weights, a package or other hardware were added."""
        hindrances = [kind.value for kind in Readiness if kind is not Readiness.USABLE]
        return not self.possible or any(words in self.why for words in hindrances)

    @property
    def uses(self) -> Backend:
        """The backend that would separate, or the one that was chosen."""
        return registry.shown(self.settled.backend)


def choice_of(draft: Draft, content: Content | None = None) -> Choice:
    """Return the choice of a backend for a draft; if none can serve any of it, the choice says why.

    Args:
        draft: the draft.
        content: what its recording holds, if that is known.
    """
    asked = draft.asked
    found = offers.offer(asked, content) if draft.prompts else None
    try:
        settled, why = registry.choose(asked, content)
    except PromptError as error:
        return _in_part(asked, content, error, found)
    except PlaygroundError as error:
        return Choice(_nearest(asked), error.message, False, found, error.action)
    return Choice(settled, why, True, found)


def asked_of(draft: Draft, choice: Choice) -> Request:
    """Return the request that a run of the draft makes: its prompts but for those that nobody here can answer.

    Raises:
        SettingsError: nothing is left, or there is no prompt yet.
    """
    return replace(draft.request, prompts=tuple(one for one in draft.prompts if one.text not in choice.left_out))


def _in_part(asked: Request, content: Content | None, refusal: PromptError, found: Offer | None) -> Choice:
    """Return the choice for those prompts that can be answered, where not all of them can."""
    part = answerable(asked, content)
    if part is None:
        return Choice(_nearest(asked), refusal.what, False, found, left_out=tuple(one.text for one in asked.prompts))
    left_out = tuple(one.text for one in asked.prompts if one not in part.prompts)
    try:
        settled, why = registry.choose(part, content)
    except PlaygroundError:  # such as two prompts that only together are wrong
        return Choice(_nearest(asked), refusal.what, False, found, left_out=left_out)
    return Choice(settled, why, True, found, left_out=left_out)


def _nearest(asked: Request) -> Request:
    """Return what to show if no backend can serve the draft: a named backend's settled request, else `asked`.

    A model that cannot be found here is left out, since its stems and its layout of chunks are not known either.
    """
    backend = registry.named(asked.backend)
    if backend is None:
        return asked
    usual = replace(asked, model=None, demucs=replace(asked.demucs, folder=None))
    for nearest in (asked, usual):
        try:
            settled = backend.settle(nearest)
            backend.stems(settled)
            backend.layout(settled)
        except PlaygroundError:
            continue
        return settled
    return replace(usual, backend=backend.name)
