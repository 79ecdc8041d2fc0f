"""Maps typed words to stems, for backends with a fixed set of stems.

A table of what people type, with rules for “no”, “without” and “everything except”. Words outside the table are
refused with what the backend can do: a dog's bark is not “other”.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from separation.errors import PromptError
from separation.prompts.targets import Target

SYNONYMS: dict[str, str] = {
    "drums": """
        drum, drums, drumkit, drum kit, drumset, drum set, drum beat, drum beats, drum loop, drum track, drum machine,
        drum solo, beat, beats, breakbeat, percussion, percussions, percussive sounds, percussion instruments,
        kick, kicks, kick drum, kick drums, bass drum, snare, snares, snare drum, snare drums, rimshot, hat, hats,
        hi hat, hi hats, high hat, high hats, hihat, hihats, cymbal, cymbals, crash cymbal, ride cymbal, tom, toms,
        clap, claps, hand claps, handclaps, shaker, tambourine, conga, congas, bongo, bongos, cowbell, drummer,
        drummer playing, drumming, drums playing, acoustic drums, electronic drums, 808 drums""",
    "bass": """
        bass, bassline, baseline, bass line, bass guitar, electric bass, acoustic bass, upright bass, double bass,
        contrabass, synth bass, bass synth, sub bass, subbass, sub, low end, bass part, bass track, bass player,
        bassist, bass solo, slap bass, fretless bass, bass guitar playing, bass playing, 808 bass""",
    "vocals": """
        vocal, vocals, voice, voices, vox, speech, speaking, speaker, speakers, talk, talking, spoken words, singing,
        singer, singers, sing, song voice, lead vocal, lead vocals, lead voice, lead singer, main vocals, vocal solo,
        backing vocal, backing vocals, backup vocal, backup vocals, background vocals, harmony vocals, vocal harmonies,
        choir, choir singing, rap, rapper, rapping, acapella, a capella, a cappella, acappella, lyrics,
        man, woman, singing voice, speaking voice, narrator, narration, dialogue, dialog, conversation""",
    "guitar": """
        guitar, guitars, electric guitar, acoustic guitar, lead guitar, rhythm guitar, guitar solo, guitarist,
        guitarist playing, guitar riff, guitar playing, guitar strumming, distorted guitar""",
    "piano": """
        piano, pianos, grand piano, upright piano, pianist, electric piano, piano playing, piano solo, keyboard,
        keyboards, keys, rhodes, wurlitzer""",
    "strings": """
        string, strings, string section, string sections, string ensemble, string orchestra, string quartet, violin,
        violins, viola, violas, cello, cellos, celli, fiddle, fiddles, violinist, cellist, bowed strings, orchestra,
        orchestral strings, synth strings, pizzicato, violin solo, cello solo""",
    "other": "other, others, the other, other instruments, remaining instruments, other sounds",
}
# “A woman singing”, “the lead singer's voice”: every person with everything a voice does.
_PEOPLE = """
    man, men, woman, women, male, female, girl, girls, boy, boys, child, children, kid, kids, person, people, human,
    someone, somebody, singer, lead singer, rapper, narrator"""
_UTTERANCES = "singing, speaking, talking, rapping, voice, voices, vocal, vocals, speech, singer, singers"
_WITHOUT_VOCALS = """
    accompaniment, accompaniments, instrumental, instrumentals, karaoke, backing track, instruments, band,
    background music, music, music bed, minus one, playback"""

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
    r"^(?P<wanted>.+?)(?:,| but| and| with)* (?:no|not|without|minus|except for|except) (?P<rest>.+)$"
)
_AND = re.compile(r"\s*(?:[,+&/;]|'n'|\b(?:and|with|plus|n|n?or)\b)\s*")
_AND_NOT = re.compile(_AND.pattern + r"(?:(?:no|not|without|any) )?")  # “no drums and no bass”


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
    if wanted := _stems_of(phrase, stems):
        return Target(name=name, stems=wanted)
    if _is_instrumental(phrase, stems):
        return Target(name=name, stems=frozenset({"vocals"}), complement=True)
    if negated := _NOT.match(phrase) or _OFF.match(phrase):
        if unwanted := _stems_of(negated["rest"], stems, _AND_NOT):
            return Target(name=name, stems=unwanted, complement=True)
        if _is_instrumental(negated["rest"], stems):
            return Target(name=name, stems=frozenset({"vocals"}))
    if both := _WANTED_NOT.match(phrase):
        wanted, unwanted = _stems_of(both["wanted"], stems), _stems_of(both["rest"], stems, _AND_NOT)
        if wanted and unwanted and not wanted & unwanted:  # “drums except the kick” is more than stems can tell apart
            return Target(name=name, stems=wanted)
    raise _refusal(name, phrase, stems, backend)


def meaning(name: str) -> str:
    """Return the stem that the name of a track means, “vocals” for “lead voice”; the name itself if it means none."""
    return _known(name) or name


def answer(target: Target) -> str:
    """Return in words what a prompt is answered with: “drums”, “bass and drums”, “all but vocals”; "" if it says so.

    “kick” and “drum kit” are both answered with drums, and so are words of which a stem is far more than was asked for.
    """
    stems = " and ".join(sorted(target.stems))
    if target.complement:
        return f"all but {stems}"
    plain = {part for part in _AND.split(_tidy(target.name)) if part}
    named = {_tidy(stem) for stem in target.stems}
    return "" if target.name in target.stems or plain == named else stems


def suggestions(stems: Sequence[str]) -> tuple[str, ...]:
    """Return prompts that are sure to work with these stems, for buttons and messages."""
    return (*stems, "instrumental") if "vocals" in stems else tuple(stems)


def _stems_of(phrase: str, stems: Sequence[str], separator: re.Pattern[str] = _AND) -> frozenset[str] | None:
    """Return the stems that a list such as “drums and bass” names; None if any part of it names none."""
    if whole := _stem_of(phrase, stems):
        return frozenset({whole})
    listed = phrase.replace("rhythm section", "drums and bass")
    found = [_stem_of(part, stems) for part in separator.split(listed) if part]
    named = frozenset(stem for stem in found if stem)
    return named if found and all(found) else None


def _stem_of(words: str, stems: Sequence[str]) -> str | None:
    phrase = _tidy(words)
    if own := next((stem for stem in stems if _tidy(stem) == phrase), None):
        return own
    stem = _known(phrase)
    return stem if stem in stems else None


def _known(words: str) -> str | None:
    """Return the stem that these words mean, whether or not a model has it; None if there is none."""
    phrase = _tidy(words).replace("'s ", " ")
    return _STEM_OF.get(phrase) or _STEM_OF.get(phrase.removesuffix("s"))


def _is_instrumental(words: str, stems: Sequence[str]) -> bool:
    return "vocals" in stems and _tidy(words) in _INSTRUMENTAL


def _tidy(text: str) -> str:
    """Return the text in lower case with single spaces, without polite words, articles and stray punctuation."""
    plain = re.sub(r"[^\w\s,+&/;']|_", " ", text.casefold().replace("\u2019", "'"))
    phrase = " ".join(plain.split()).strip("' ")
    while (shorter := _POLITE.sub("", phrase).strip("' ")) != phrase:
        phrase = shorter
    return phrase


def _refusal(name: str, phrase: str, stems: Sequence[str], backend: str) -> PromptError:
    what = f"“{name}” is not something {backend} can isolate."
    subject = backend[0].upper() + backend[1:]
    asked = _NOT.match(phrase)
    parts = _AND_NOT.split(asked["rest"] if asked else phrase)
    elsewhere = next((stem for part in parts if (stem := _known(part)) and stem not in stems), None)
    if elsewhere and "other" in stems:
        return PromptError(
            what,
            f"{subject} leaves {elsewhere} inside “other”.",
            "Ask for “other”, or choose a model that separates it (Demucs htdemucs_6s has guitar and piano; the "
            "built-in separator tries them and strings).",
        )
    return PromptError(
        what,
        f"{subject} separates a fixed set of sounds: {', '.join(suggestions(stems))}.",
        f"Ask for one of these, also as “no {stems[0]}” or “{' and '.join(stems[:2])}”, or choose SAM-Audio, which "
        "takes any words.",
    )


def _listed(table: str) -> list[str]:
    return [" ".join(entry.split()) for entry in table.split(",")]


_INSTRUMENTAL = frozenset(_tidy(words) for words in _listed(_WITHOUT_VOCALS))
_STEM_OF = {_tidy(words): stem for stem, table in SYNONYMS.items() for words in _listed(table)}
_STEM_OF |= {f"{who} {does}": "vocals" for who in _listed(_PEOPLE) for does in _listed(_UTTERANCES)}
