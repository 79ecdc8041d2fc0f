"""Turns sentences that name what to type in a terminal into sentences for people who have a page before them."""

from __future__ import annotations

import re

MODELS = "on the Models page"
_PIP = re.compile(
    r"(?P<verb>[Ii]nstall) (?P<what>it|Meta's own package)(?P<anew> again| anew)? with “pip install ([^”]*)”"
)
# Tried in this order.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r" ?\(pip install [^)]*\)", ""),
        (r"(?<=Install it): pip install [\w.-]+", "."),
        (r"\brun “audio-playground models download [^”]* --accept-licence”", f"download it {MODELS}"),
        (r": “audio-playground models download [^”]* --new-revision”", f" {MODELS}"),
        (r": “audio-playground models sources”", f" {MODELS}"),
        (r"“audio-playground models sources” says", "The Models page says"),
        (r"\brun “audio-playground models download [^”]*”(?: to download them once)?", f"download it {MODELS}"),
        (r"\bRun “audio-playground models download [^”]*”(?: to download them once)?", f"Download it {MODELS}"),
        (r": “audio-playground models download [^”]*”", f" {MODELS}"),
        (r"Run “extract demucs --download” to download them once", f"Choose one of those {MODELS}"),
        (r"Start one with “audio-playground worker --scheduler ([^”]*)”", r"Start a worker that joins \1"),
        (r"Set it again with “hf auth login”, or correct HF_TOKEN", f"Set it again {MODELS}, or correct HF_TOKEN"),
        (r"kept by “hf auth login”", "kept here"),
        (r"(?:here )?with “hf auth login”", MODELS),
    )
)


def for_pages(sentence: str) -> str:
    """Return a sentence with a page or plain words in place of a command of a terminal."""
    sentence = _PIP.sub(_installed, sentence)
    for pattern, words in _RULES:
        sentence = pattern.sub(words, sentence)
    return sentence


def _installed(found: re.Match[str]) -> str:
    """Return what has to be installed: a package by its name, or this program with a part of it that was left out."""
    words = [word.strip('"') for word in found[4].split() if not word.startswith("--")]
    package, _, part = re.split(r"[<>=]", words[0])[0].partition("[")
    what = f"this program with “{part.rstrip(']')}”" if part else f"the package “{package}”"
    return f"{found['verb']} {what}{found['anew'] or ''}"
