"""Maps typed words to stems, for backends with a fixed set of stems.

Tables of what people type (`synonyms`, `languages`), with rules for “no”, “without” and “everything except”. Words
outside the tables are refused with what the backend can do: a dog's bark is not “other”.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from separation.errors import PromptError
from separation.prompts import languages
from separation.prompts.folding import folded
from separation.prompts.synonyms import (
    NOBODY_IN_PARTICULAR,
    PARTS,
    PEOPLE,
    SAME,
    UTTERANCES,
    WHOLE,
    WITHOUT_VOCALS,
    listed,
)
from separation.prompts.targets import Target, refuse_reserved

OTHER = "other"
NAMED = frozenset({"drums", "bass", "vocals"})  # beside them “other” is all the rest, as in MUSDB18 and Demucs
MUSIC = (*WHOLE, OTHER)  # the stems of songs
# Who has no stem of the first is asked for the second: voices sing in songs and speak elsewhere.
_KIN = {"speech": "vocals", "vocals": "speech"}
# What only some models have a stem of, and which.
ELSEWHERE = {
    "guitar": "Demucs htdemucs_6s, or SAM-Audio, which takes any words.",
    "piano": "Demucs htdemucs_6s, or SAM-Audio, which takes any words.",
    "strings": "SAM-Audio, which takes any words.",
}

_POLITE = re.compile(
    r"^(?:(?:please|can you|could you|would you|i want|i would like|i'd like|to hear|let me hear|give me|get me"
    r"|isolated?|extract|separate|get|keep|only|just|solo|the|a|an|all of|all|sound of|sounds of|my|some) )+"
    r"|(?: (?:please|only|tracks?|parts?|stems?|sounds?|versions?))+$"
)
_NOT = re.compile(
    r"^(?:(?:everything|all|anything|song|mix|mixture|music|track|recording)(?: else)? )?(?:with )?"
    r"(?:except for|except|but not|but|without|minus|no|not|non|neither|remove|removing|mute|rid of|i don't want"
    r"|don't want|besides|other than) (?P<rest>.+)$"
)
_OFF = re.compile(r"^(?P<rest>.+?)(?: (?:removed|removal|remover|muted|off)|less)$")  # “vocals off”, “drumless”
_WANTED_NOT = re.compile(
    rf"^(?P<wanted>.+?)(?:,| but| and| with)* (?:no|not|without|minus|except for|except|{languages.WITHOUT}) "
    r"(?P<rest>.+)$"
)
_BETWEEN = rf"[,+&/;]|'n'|{languages.AND_UNSPACED}|\b(?:and|with|plus|n|n?or|{languages.AND}"
_AND = re.compile(rf"\s*(?:{_BETWEEN})\b)\s*")
_AND_NOT = re.compile(  # “no drums and no bass”
    rf"\s*(?:{_BETWEEN}|{languages.AND_NOT})\b)\s*(?:(?:no|not|without|any|{languages.WITHOUT}) )?"
)


def match(text: str, stems: Sequence[str], *, backend: str) -> Target:
    """Return the target that a prompt means, made of `stems`.

    Args:
        text: what a person typed, such as “the bass line” or “everything except drums”.
        stems: names the model separates, such as ("drums", "bass", "other", "vocals").
        backend: the backend's name for people, used in the error.

    Raises:
        PromptError: the words mean none of the stems; it lists those that would do.
    """
    name, phrase = text.strip(), _tidy(text)
    refuse_reserved(name)
    if wanted := _stems_of(phrase, stems):
        return Target(name=name, stems=wanted)
    if OTHER not in stems and set(stems) >= NAMED and _known(phrase) == OTHER:
        return Target(name=name, stems=NAMED, complement=True)
    if _is_instrumental(phrase, stems):
        return Target(name=name, stems=frozenset({"vocals"}), complement=True)
    for rest in _negated(phrase):
        if unwanted := _stems_of(rest, stems, _AND_NOT):
            return Target(name=name, stems=unwanted, complement=True)
        if _is_instrumental(rest, stems):
            return Target(name=name, stems=frozenset({"vocals"}))
    if both := _WANTED_NOT.match(phrase):
        wanted, unwanted = _stems_of(both["wanted"], stems), _stems_of(both["rest"], stems, _AND_NOT)
        if wanted and unwanted and not wanted & unwanted:  # “drums except the kick” is more than stems can tell apart
            return Target(name=name, stems=wanted)
    raise _refusal(name, phrase, stems, backend)


def meaning(name: str) -> str:
    """Return the stem that the name of a track means, “vocals” for “lead voice”; the name itself if it means none."""
    known = _known(name)
    return "vocals" if known == "speech" else known or name


def answer(target: Target) -> str:
    """Return in words what a prompt is answered with: “drums”, “bass and drums”, “all but vocals”; "" if it says so.

    “kick” and “drum kit” are both answered with drums; `whole` says where a stem is far more than was asked for.
    """
    stems = _and(sorted(target.stems))
    if target.complement:
        return f"all but {stems}"
    plain = {part for part in _AND.split(_tidy(target.name)) if part}
    named = {_tidy(stem) for stem in target.stems}
    return "" if target.name in target.stems or plain == named else stems


def whole(target: Target) -> str:
    """Return what a prompt is answered with if its words mean less: “the whole drum kit” for “kick”; "" otherwise."""
    if target.name in target.stems:  # of a model that takes any words
        return ""
    phrase = _tidy(target.name)
    rest = next(iter(_negated(phrase)), phrase)
    parts = {WHOLE.get(kind, "") for part in (rest, *_AND_NOT.split(rest)) if (kind := _part_of.get(_plain(part)))}
    return _and(sorted(parts - {""}))


def english(text: str) -> str:
    """Return the English word for words of another language in the table; "" for all others."""
    word = _plain(text)
    return "" if word in _english else _foreign.get(word, "")


def suggestions(stems: Sequence[str]) -> tuple[str, ...]:
    """Return prompts that are sure to work with these stems, for buttons and messages."""
    return (*stems, "instrumental") if "vocals" in stems else tuple(stems)


def _stems_of(phrase: str, stems: Sequence[str], separator: re.Pattern[str] = _AND) -> frozenset[str] | None:
    """Return the stems that a list such as “drums and bass” names; None if any part of it names none."""
    if whole := _stem_of(phrase, stems):
        return frozenset({whole})
    spelt_out = phrase.replace("rhythm section", "drums and bass")
    found = [_stem_of(part, stems) for part in separator.split(spelt_out) if part]
    named = frozenset(stem for stem in found if stem)
    return named if found and all(found) else None


def _stem_of(words: str, stems: Sequence[str]) -> str | None:
    phrase = _tidy(words)
    if own := next((stem for stem in stems if _tidy(stem) == phrase), None):
        return own
    stem = _known(phrase)
    if stem not in stems:
        stem = _KIN.get(stem or "")
    return stem if stem in stems else None


def _negated(phrase: str) -> Iterator[str]:
    """Yield what a phrase says it does not want, as each rule that fits reads it."""
    for rule in (_NOT, _OFF, languages.NOT, *(languages.UNSPACED_NOT if languages.UNSPACED.search(phrase) else ())):
        if found := rule.match(languages.SONG.sub("", phrase)):
            yield found["rest"]


def _known(words: str) -> str | None:
    """Return the stem that these words mean, whether or not a model has it; None if there is none."""
    return _stem_of_words.get(_plain(words))


def _plain(words: str) -> str:
    """Return words as the tables have them, or as they are if no table has them."""
    phrase = _tidy(words).replace("'s ", " ")
    if languages.UNSPACED.search(phrase):
        phrase = phrase.replace(" ", "").replace("・", "")
    return phrase if phrase in _stem_of_words else phrase.removesuffix("s")


def _is_instrumental(words: str, stems: Sequence[str]) -> bool:
    phrase = _tidy(words)
    return "vocals" in stems and (phrase in _instrumental or phrase.replace(" ", "") in _instrumental)


def _tidy(text: str) -> str:
    """Return the folded text without polite words, articles and stray punctuation."""
    plain = re.sub(r"[^\w\s,+&/;'・]|_", " ", folded(text))
    phrase = " ".join(plain.split()).strip("' ")
    while (shorter := _without_courtesies(phrase)) != phrase:
        phrase = shorter
    return phrase


def _without_courtesies(phrase: str) -> str:
    for pattern in (_POLITE, languages.ARTICLE, languages.UNSPACED_POLITE):
        phrase = pattern.sub("", phrase).strip("' ")
    return phrase


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _refusal(name: str, phrase: str, stems: Sequence[str], backend: str) -> PromptError:
    what = f"“{name}” is not something {backend} can isolate."
    subject = backend[0].upper() + backend[1:]
    parts = _AND_NOT.split(next(_negated(phrase), phrase))
    elsewhere = next((stem for part in parts if (stem := _known(part)) in ELSEWHERE and stem not in stems), None)
    if elsewhere and set(stems) >= NAMED:
        return PromptError(
            what,
            f"{subject} leaves {elsewhere} inside “other”.",
            f"Ask for “other”, or choose a model that separates it: {ELSEWHERE[elsewhere]}",
        )
    return PromptError(
        what,
        f"{subject} separates a fixed set of sounds: {', '.join(suggestions(stems))}.",
        f"Ask for one of these, also as “no {stems[0]}” or “{' and '.join(stems[:2])}”, or choose SAM-Audio, which "
        "takes any words.",
    )


def _words(table: str) -> Iterator[str]:
    return map(_tidy, listed(table))


def _person(does: str) -> str:
    return "speech" if does in ("speaking", "talking", "speech") else "vocals"


_english = {word: stem for table in (SAME, PARTS) for stem, words in table.items() for word in _words(words)}
_said_by = {f"{who} {does}": _person(does) for who in listed(PEOPLE) for does in listed(UTTERANCES)}
_foreign = {word: stem for words in languages.WORDS.values() for stem, table in words.items() for word in _words(table)}
_instrumental = {word for word, stem in _foreign.items() if stem == languages.INSTRUMENTAL} | {*_words(WITHOUT_VOCALS)}
_stem_of_words = {word: stem for word, stem in _foreign.items() if stem != languages.INSTRUMENTAL} | _english | _said_by
_part_of = {word: stem for stem, table in PARTS.items() for word in _words(table)} | {
    said: "vocals" for said in _said_by if not said.startswith(tuple(f"{who} " for who in listed(NOBODY_IN_PARTICULAR)))
}
