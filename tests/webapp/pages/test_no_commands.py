"""No page sends a person to a terminal, whatever a separator lacks."""

from __future__ import annotations

import importlib.util

import pytest

from separation.backends import registry
from separation.request import Request
from tests.support.typed import TYPED
from webapp.pages.studio.choice import choice_of
from webapp.state.drafts import Draft

ABSENT = ("torch", "transformers", "demucs", "diffq", "mlx", "mlx_audio", "sam_audio")


@pytest.fixture(params=[(), ABSENT, ABSENT[2:], ABSENT[1:2]], ids=["all", "bare", "no packages", "no transformers"])
def packages(request, tmp_path, monkeypatch):
    """A computer without weights, and with or without the packages of separators."""
    usual = importlib.util.find_spec

    def find_spec(name, *at):
        return None if name in request.param else usual(name, *at)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("backend", ["auto", "sam-audio", *registry.BACKENDS])
def test_the_studio_says_what_a_separator_lacks_without_a_command(backend):
    for prompt in ("drums", "a dog barking"):
        choice = choice_of(Draft.of(Request.of(prompt, backend=backend)))
        assert not TYPED.search(choice.why), choice.why
