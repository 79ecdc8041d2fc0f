"""Which sounds of a request can be answered where not all of them can."""

from __future__ import annotations

from dataclasses import replace

from separation.audio.content import Content
from separation.backends import registry
from separation.errors import PlaygroundError, PromptError
from separation.model import Backend
from separation.prompts.targets import Target
from separation.request import Prompt, Request


def answerable(request: Request, content: Content | None = None) -> Request | None:
    """Return a request with those prompts that one backend here can answer, as many as any can; None if none can.

    Of backends that answer equally many, the one that is preferred for the request counts. `content` is what the
    recording holds, if that is known.
    """
    best: tuple[Prompt, ...] = ()
    for backend in registry.asked(request, content):
        try:
            settled = backend.settle(request)
            if not backend.availability(settled).usable:
                continue
        except PlaygroundError:
            continue
        prompts = tuple(prompt for prompt in request.prompts if target_of(backend, settled, prompt) is not None)
        best = max(best, prompts, key=len)
    return replace(request, prompts=best) if best else None


def target_of(backend: Backend, settled: Request, prompt: Prompt) -> Target | None:
    """Return what a backend would answer a prompt with; None if it cannot.

    Args:
        backend: the backend.
        settled: a request settled for it.
        prompt: one prompt, of that request or not.
    """
    try:
        alone = replace(settled, prompts=(prompt,), sam=replace(settled.sam, rerolls=()))
        return backend.targets(alone)[0]
    except PromptError:
        return None
