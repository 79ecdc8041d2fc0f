"""Suggestions and advice for phrasing prompts of models that take any words.

SAM-Audio was trained on short lowercase phrases of a noun or of a noun and a verb, such as “man speaking” (SAM-Audio,
Meta 2025, model card).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from separation.prompts import languages, vocabulary

# What people most often look for, by kind; all in the form that the model knows best.
SUGGESTIONS: Mapping[str, tuple[str, ...]] = {
    "voice": ("man speaking", "woman singing", "crowd cheering", "baby crying"),
    "instrument": ("drums", "bass guitar", "acoustic guitar", "piano", "violin", "trumpet"),
    "effect": ("dog barking", "wind", "rain", "traffic noise", "footsteps", "applause"),
}
N_WORDS = 6
ENGLISH = "The text encoder of SAM-Audio was trained on English"
_ASKING = re.compile(
    r"^(?:please |can you |could you |i want |i'd like |i would like )*(?:to )?"
    r"(?:isolate|extract|separate|get|give me|remove|take out|pull out|find|keep|only|just) +(?:only |just )?",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:the|a|an|any|some|all(?: of)? the|sound of(?: an?| the)?) +", re.IGNORECASE)


def advice(text: str) -> str:
    """Return one sentence on what would probably work better than these words, or "" if they are fine.

    It is only advice: the model takes any words.
    """
    plain = plainly(text)
    if note := foreign(text):
        return note
    if len(plain.split()) > N_WORDS:
        return f"Phrases of up to {N_WORDS} words work best: a noun, or a noun and a verb, such as “man speaking”."
    return f"Models know short phrases in lower case best: try “{plain}”." if plain != text.strip() else ""


def foreign(text: str) -> str:
    """Return a sentence on words that are not English, with the English word if it is known; "" for all others."""
    if english := vocabulary.english(text):
        return f"{ENGLISH}: for “{text.strip()}” try “{english}”."
    if languages.OTHER_SCRIPT.search(text) or languages.ACCENTED.search(text):
        return f"{ENGLISH}: “{text.strip()}” may not be understood. Try English words."
    return ""


def better(text: str) -> str:
    """Return the words that would probably work better than these: English, or plainer ones; else themselves."""
    return vocabulary.english(text) or plainly(text)


def plainly(text: str) -> str:
    """Return the phrase without polite words, article, capitals and full stop, or itself if nothing would be left.

    Capitals and digits of names such as “TV” or “808 bass” stay.
    """
    words = " ".join(text.split()).rstrip(".!?… ")
    for pattern in (_ASKING, _ARTICLE):
        words = pattern.sub("", words, count=1)
    words = " ".join(
        word if len(word) > 1 and word.isupper() and len(word) <= 3 else word.lower() for word in words.split()
    )
    return words or text.strip()
