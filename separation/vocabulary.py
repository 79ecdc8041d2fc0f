"""Which stems a few typed words mean, for backends with a fixed set of stems.

A table of what people type, with rules for “no”, “without” and “everything except”. Words outside the table are
refused with what the backend can do: a dog's bark is not “other”.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from separation.errors import PromptError
from separation.targets import Target

SYNONYMS: dict[str, str] = {
    "drums": """
        drum, drums, drumkit, drum kit, drumset, drum set, drum beat, drum beats, drum loop, drum track, drum machine,
        beat, beats, breakbeat, percussion, percussions, percussive sounds, percussion instruments, rhythm section,
        kick, kicks, kick drum, kick drums, bass drum, snare, snares, snare drum, rimshot, hat, hats, hi hat, hi hats,
        hihat, hihats, cymbal, cymbals, crash cymbal, ride cymbal, tom, toms, clap, claps, hand claps, handclaps,
        shaker, tambourine, conga, congas, bongo, bongos, cowbell, drummer, drummer playing, drumming, drums playing,
        808 drums""",
    "bass": """
        bass, bassline, baseline, bass line, bass guitar, electric bass, upright bass, double bass, contrabass,
        synth bass, sub bass, subbass, sub, low end, bass part, bass track, bass player, bassist, slap bass,
        fretless bass, bass guitar playing, bass playing""",
    "vocals": """
        vocal, vocals, voice, voices, vox, speech, speaking, speaker, speakers, talk, talking, spoken words, singing,
        singer, singers, sing, song voice, lead vocal, lead vocals, lead voice, lead singer, main vocals, backing vocal,
        backing vocals, background vocals, choir, rap, rapper, rapping, acapella, a capella, a cappella, acappella,
        cappella, lyrics, human voice, human speech, man speaking, woman speaking, person speaking, people speaking,
        man talking, woman talking, person talking, people talking, man singing, woman singing, person singing,
        people singing, child singing, child speaking, male voice, female voice, male vocals, female vocals,
        male vocal, female vocal, male singer, female singer, male speech, female speech, man, woman, man voice,
        woman voice, man's voice, woman's voice, singing voice, speaking voice, narrator, narration, dialogue, dialog,
        conversation""",
    "guitar": """
        guitar, guitars, electric guitar, acoustic guitar, lead guitar, rhythm guitar, guitar solo, guitarist,
        guitar riff, guitar playing, guitar strumming, distorted guitar""",
    "piano": """
        piano, pianos, grand piano, upright piano, pianist, electric piano, piano playing, keyboard, keyboards, keys,
        rhodes, wurlitzer""",
    "other": "other, others, the other, other instruments, remaining instruments, other sounds",
}
_WITHOUT_VOCALS = """
    accompaniment, accompaniments, instrumental, instrumentals, instrumental track, karaoke, karaoke track,
    backing track, backing, instruments, the band, band, background music, music, music bed, minus one, playback"""


def _words(table: str) -> list[str]:
    return [" ".join(entry.split()) for entry in table.split(",")]


_STEM_OF = {words: stem for stem, table in SYNONYMS.items() for words in _words(table)}
_INSTRUMENTAL = frozenset(_words(_WITHOUT_VOCALS))
_POLITE = re.compile(
    r"^(?:please |can you |could you |i want |give me |isolate |extract |separate |get |keep |only |just |solo )+"
    r"|^(?:the |a |an |all |all of |sound of |sounds of |my |some )+"
    r"|(?: please| only| track| tracks| part| parts| stem| stems| sound| sounds)+$"
)
_NOT = re.compile(
    r"^(?:(?:everything|all|anything|song|mix|mixture|music)(?: else)? )?"
    r"(?:except for|except|but not|but|without|minus|no|not|remove|removing|mute|besides|other than) (?P<rest>.+)$"
)
_AND = re.compile(r"\s*(?:,|\+|&|/|;|\band\b|\bwith\b|\bplus\b|\bor\b)\s*")


def match(text: str, stems: Sequence[str], *, backend: str) -> Target:
    """The target a prompt means, made of `stems`.

    Args:
        text: what a person typed, such as “the bass line” or “everything except drums”.
        stems: names the model separates, such as ("drums", "bass", "other", "vocals").
        backend: the backend's name for people, used in the error.

    Raises:
        PromptError: the words mean none of the stems; it lists those that would do.
    """
    phrase = _tidy(text)
    if negated := _NOT.match(phrase):
        inner = _stems_of(negated["rest"], stems)
        if inner:
            return Target(name=text.strip(), stems=inner, complement=True)
    if phrase in _INSTRUMENTAL and "vocals" in stems:
        return Target(name=text.strip(), stems=frozenset({"vocals"}), complement=True)
    if wanted := _stems_of(phrase, stems):
        return Target(name=text.strip(), stems=wanted)
    raise _refusal(text, phrase, stems, backend)


def suggestions(stems: Sequence[str]) -> tuple[str, ...]:
    """Prompts that surely work with these stems, for buttons and messages."""
    return (*stems, "instrumental") if "vocals" in stems else tuple(stems)


def _stems_of(phrase: str, stems: Sequence[str]) -> frozenset[str] | None:
    """The stems a list such as “drums and bass” names; None if any part of it names none."""
    whole = _stem_of(phrase, stems)
    if whole:
        return frozenset({whole})
    found = [_stem_of(_tidy(part), stems) for part in _AND.split(phrase) if part]
    named = frozenset(stem for stem in found if stem)
    return named if found and all(found) else None


def _stem_of(phrase: str, stems: Sequence[str]) -> str | None:
    if phrase in stems:
        return phrase
    stem = _STEM_OF.get(phrase) or _STEM_OF.get(phrase.removesuffix("s"))
    return stem if stem in stems else None


def _tidy(text: str) -> str:
    """Lower case, one space between words, without politeness and articles."""
    phrase = " ".join(re.sub(r"[\-_.!?\"“”()]+", " ", text.casefold().replace("\u2019", "'")).split())
    while (shorter := _POLITE.sub("", phrase).strip()) != phrase:
        if not shorter:
            break
        phrase = shorter
    return phrase


def _refusal(text: str, phrase: str, stems: Sequence[str], backend: str) -> PromptError:
    known = _STEM_OF.get(phrase)
    if known:
        why = f"{backend} leaves {known} inside “other”."
        todo = "Ask for “other”, or choose a model that separates it (Demucs htdemucs_6s has guitar and piano)."
    else:
        why = f"{backend} separates a fixed set of sounds: {', '.join(suggestions(stems))}."
        todo = "Ask for one of these, also as “no drums” or “drums and bass”, or choose a backend that takes any text."
    return PromptError(f"“{text.strip()}” is not something {backend} can isolate.", why, todo)
