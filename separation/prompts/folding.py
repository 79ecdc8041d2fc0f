"""Folds text so that words are the same whatever their case, accents and width."""

from __future__ import annotations

import unicodedata

# Letters with a stroke or a tail that Unicode does not take apart, as keyboards without them write them.
_PLAIN = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "œ": "oe", "æ": "ae", "ı": "i", "\u2019": "'", "、": ",", "，": ","}
)
# Accents of Latin, Greek and Cyrillic letters; the marks of Japanese kana make other letters, and stay.
_ACCENTS = ("\u0300", "\u036f")


def folded(text: str) -> str:
    """Return the text without case, accents and width (Unicode NFKC, casefold), with single spaces.

    “ﾄﾞﾗﾑ” is “ドラム”, “Batería” “bateria”, “ВСЁ” “все”, and “Schlagzeug ausser” what “außer” is.
    """
    apart = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    plain = "".join(letter for letter in apart if not _ACCENTS[0] <= letter <= _ACCENTS[1])
    return " ".join(unicodedata.normalize("NFC", plain).translate(_PLAIN).split())
