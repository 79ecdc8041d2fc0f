"""What people type, and the stems it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from separation.errors import PromptError
from separation.prompts.synonyms import PARTS, SAME, WHOLE, listed
from separation.prompts.targets import Target
from separation.prompts.vocabulary import answer, match, suggestions, whole

FOUR = ("drums", "bass", "other", "vocals")
SIX = (*FOUR, "guitar", "piano")
SEVEN = (*SIX, "strings")

MEANS = {
    "drums": """
        drums | Drums | DRUMS | drum | the drums | drums please | Drums, please! | only drums | just the drums |
        drums only | the drums only please | drum track | drum tracks | the drum track | drum part | drum stem |
        drums stem | drum sounds | the sound of drums | the sound of the drums | drum kit | drum-kit | drumkit |
        drum_set | kick | kick drum | the kick and the snare | kick, snare & hi-hat | snares | hi-hat | hi hats |
        high hat | hi-hats | cymbals | toms | percussion | Percussion instruments | beat | the beats | bass drum |
        the bass drum | claps | hand-claps | drummer | the drummer playing | “drums” | 'drums' | "drums" | drums. |
        drums? | drums: | isolate the drums | please isolate the drums | extract drums | can you extract the drums? |
        could you please give me just the drums | I want the drums | I'd like the drums | isolated drums |
        get me the drums | all the drums | all of the drums | solo drums | drum solo | drums 🥁 | drums without bass |
        drums but no vocals | drums, drums | kick drums and snare drums | let me hear the drums |
        i want to hear the drums
        """,
    "bass": """
        bass | the bass | Bass | bass guitar | the bass guitar | bass-line | bassline | the bass line | bass part |
        electric bass | double bass | upright bass | synth bass | bass synth | sub-bass | sub | low end | bass only |
        only bass | the bass player | bassist | bass solo | slap bass | bass track | acoustic bass |
        extract the bass line please | bass but not drums
        """,
    "vocals": """
        vocals | Vocals | vocal | the vocals | the vocals only | voice | voices | vox | lead vocals | lead vocal |
        the lead singer | singer | the singer's voice | singing | someone singing | a cappella | A Cappella |
        a capella | capella | acapella | acappella | a-cappella | an acapella | acapella version | a cappella version |
        speech | people talking | a man speaking | a woman speaking | a woman singing | man's voice | a man’s voice |
        male vocals | female singer | women singing | children singing | children's voices | choir | the choir |
        rap | rapper | backing vocals | backup vocals | background vocals | harmony vocals | vocal track | vocal stem |
        vocals please | just vocals | keep only the vocals | the human voice | lyrics | narrator | dialogue |
        vocals without drums | vocals with no drums | voice and speech | no music | without the music |
        everything except the instruments | remove the instrumental | isolated vocals | vocals only please
        """,
    "other": "other | the other | others | other instruments | the other instruments | remaining instruments",
    "drums bass": """
        drums and bass | bass and drums | drums & bass | drums + bass | drums/bass | drums, bass | drum and bass |
        drum-and-bass | drum'n'bass | drum n bass | drums with bass | drums plus bass | the drums and the bass |
        kick, snare and bassline | drums; bass | drums or bass | rhythm section | the rhythm section |
        bass, and drums
        """,
    "drums bass vocals": """
        drums, bass and vocals | drums, bass, and vocals | rhythm section and vocals | kick+bass+voice
        """,
    "- vocals": """
        instrumental | the instrumental | Instrumental | instrumental track | instrumental version | karaoke |
        karaoke version | a karaoke track | backing track | accompaniment | the band | the music | music |
        background music | no vocals | No vocals! | no vocals please | no voice | without vocals | without the vocals |
        without singing | everything but the vocals | everything except vocals | everything except for the vocals |
        all but the vocals | all except vocals | song without vocals | the song without the vocals |
        a song with no vocals | the track without vocals | music without singing | minus vocals | mute the vocals |
        remove vocals | remove the vocals please | please remove the vocals | can you remove the vocals? |
        get rid of the vocals | i want no vocals | not the vocals | vocal remover | vocals removed | vocals off |
        vocals muted | non-vocal | instruments | all instruments | all the instruments | anything but the singer
        """,
    "- drums": """
        no drums | no-drums | without drums | everything but the drums | everything except the drums |
        everything else but drums | all but drums | minus drums | drumless | drumless track | the song minus the drums |
        don't want drums | I don't want the drums | no drums only | remove the beat | drums removed | mute drums |
        music without drums | everything other than drums | no percussion
        """,
    "- bass": "no bass | without the bass line | bassless | everything except the bass guitar",
    "- drums vocals": """
        no drums and vocals | no drums and no vocals | no drums, no vocals | without drums or vocals |
        no drums or vocals | neither drums nor vocals | without drums and without vocals |
        everything except the drums and the vocals | remove drums, vocals
        """,
    "- drums bass": "no drum and bass | no rhythm section | without drums & bass",
}

REFUSED = """
    dog barking | a dog | rain | the rain | wind noise | noise | car horn | applause | laughter | footsteps | 🥁 |
    🎸🔥 | ?! | -- | no | not | without | the | only | please | and | no dog | everything except the dog |
    drums and dog | dog and drums | everything | the rest | violin | saxophone | strings | trumpet |
    drums except the kick | vocals without backing vocals | drums not drums | asdf | 1234 | sub woofer test |
    no no drums | song | no song | guitar | electric guitar | drums and guitar | piano | no guitar
"""


def entries(table):
    return [" ".join(entry.split()) for entry in table.split("|")]


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        *[("kick", "drums"), ("the kick and the snare", "drums"), ("drum kit", "drums"), ("violin", "strings")],
        *[("backing vocals", "vocals"), ("kick and bassline", "bass and drums"), ("bass and kick", "bass and drums")],
        *[("instrumental", "all but vocals"), ("no kick", "all but drums"), ("drums but no vocals", "drums")],
        *[(same, "") for same in ("drums", "Drums!", "the drums", "bass and drums", "drums, bass", "only bass")],
    ],
)
def test_what_a_prompt_is_answered_with_is_said_unless_its_words_say_so(phrase, said):
    assert answer(match(phrase, SEVEN, backend="Fake")) == said


def test_names_of_ones_own_stems_are_told_from_other_words_whatever_their_case():
    assert answer(match("lead  Synth", ["Lead_Synth", "Pads"], backend="Fake")) == ""
    assert answer(match("Pads and lead synth", ["Lead_Synth", "Pads"], backend="Fake")) == ""


def test_any_words_of_a_model_that_takes_them_are_answered_as_they_are():
    assert answer(Target(name="kick", stems=frozenset({"kick"}))) == ""
    assert answer(Target(name="Man speaking, and a dog", stems=frozenset({"Man speaking, and a dog"}))) == ""


def meaning(expected):
    complement, *rest = expected.split() if expected.startswith("- ") else (None, *expected.split())
    return {"stems": frozenset(rest), "complement": complement is not None}


PHRASES = [(phrase, expected) for expected, table in MEANS.items() for phrase in entries(table) if phrase]


def test_the_table_is_a_fair_sample():
    assert len(PHRASES) >= 200
    assert len(entries(REFUSED)) >= 40
    assert len({phrase for phrase, _ in PHRASES}) == len(PHRASES)


@pytest.mark.parametrize("stems", [FOUR, SIX, SEVEN], ids=["four stems", "six stems", "seven stems"])
@pytest.mark.parametrize(("phrase", "expected"), PHRASES)
def test_people_are_understood(phrase, expected, stems):
    assert match(phrase, stems, backend="Fake") == Target(name=phrase, **meaning(expected))


@pytest.mark.parametrize("phrase", [*entries(REFUSED), "", "   ", "\n"])
def test_what_is_not_one_of_the_stems_is_refused_with_what_would_do(phrase):
    with pytest.raises(PromptError) as refusal:
        match(phrase, FOUR, backend="Fake")
    assert f"“{phrase.strip()}”" in refusal.value.what
    assert refusal.value.todo
    if not any(word in phrase for word in ("guitar", "piano", "violin", "strings")):
        assert "drums, bass, other, vocals, instrumental" in refusal.value.why
        assert "no drums" in refusal.value.todo


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("strings", "strings"),
        ("the string section", "strings"),
        ("violins", "strings"),
        ("a cello", "strings"),
        ("no strings", "- strings"),
        ("everything except drums and the violin", "- drums strings"),
        ("piano and strings", "piano strings"),
    ],
)
def test_strings_are_understood_where_there_is_such_a_stem(phrase, expected):
    assert match(phrase, SEVEN, backend="Fake") == Target(name=phrase, **meaning(expected))


@pytest.mark.parametrize(
    "phrase", ["guitar", "the guitars", "piano", "no piano", "drums and guitar", "piano, drums", "violin", "no strings"]
)
def test_a_stem_that_another_model_has_is_refused_by_pointing_there(phrase):
    with pytest.raises(PromptError) as refusal:
        match(phrase, FOUR, backend="Fake")
    assert "inside “other”" in refusal.value.why
    assert "SAM-Audio" in refusal.value.todo
    assert ("htdemucs_6s" in refusal.value.todo) == ("violin" not in phrase and "strings" not in phrase)


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("guitar", "guitar"),
        ("acoustic guitars", "guitar"),
        ("lead guitar", "guitar"),
        ("a guitarist playing", "guitar"),
        ("guitar solo", "guitar"),
        ("piano", "piano"),
        ("grand piano", "piano"),
        ("keys", "piano"),
        ("guitar and piano", "guitar piano"),
        ("bass guitar and guitar", "bass guitar"),
        ("no guitar", "- guitar"),
        ("everything except piano and vocals", "- piano vocals"),
    ],
)
def test_a_model_with_six_stems_understands_guitar_and_piano(phrase, expected):
    assert match(phrase, SIX, backend="Fake") == Target(name=phrase, **meaning(expected))


@pytest.mark.parametrize("stems", [FOUR, SIX])
def test_every_suggestion_works(stems):
    for suggestion in suggestions(stems):
        assert match(suggestion, stems, backend="Fake").name == suggestion


ENTRIES = [(stem, phrase) for table in (SAME, PARTS) for stem, words in table.items() for phrase in listed(words)]


@pytest.mark.parametrize(("stem", "phrase"), ENTRIES)
def test_every_entry_of_the_table_can_be_reached(stem, phrase):
    assert match(phrase, (*SEVEN, "speech", "noise"), backend="Fake").stems == {stem}


@pytest.mark.parametrize("stems", [FOUR, SEVEN])
def test_where_nobody_parts_speech_from_singing_both_are_voices(stems):
    assert match("a man speaking", stems, backend="Fake").stems == {"vocals"}
    assert match("singing", ("speech", "noise"), backend="Fake").stems == {"speech"}


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        *[(part, "the whole drum kit") for part in ("kick", "the snare", "Hi-Hat", "kick and snare", "no kick")],
        *[(part, "all voices") for part in ("lead vocals", "backing vocals", "a man singing", "the lead singer")],
        *[("electric guitar", "all guitars"), ("violin", "all strings"), ("kick and bass", "the whole drum kit")],
        ("snare and lead vocals", "all voices and the whole drum kit"),
        *[(all_of_it, "") for all_of_it in ("drums", "drum kit", "vocals", "singing", "someone singing", "Schlagzeug")],
        *[(all_of_it, "") for all_of_it in ("instrumental", "no vocals", "drums and bass", "guitar", "other")],
    ],
)
def test_words_for_a_part_are_told_what_they_get_instead(phrase, said):
    assert whole(match(phrase, SEVEN, backend="Fake")) == said


def test_every_part_has_a_whole():
    assert WHOLE.keys() == PARTS.keys()


@pytest.mark.parametrize("phrase", ["other", "the other instruments", "others"])
def test_other_is_all_but_drums_bass_and_vocals(phrase):
    assert match(phrase, ("drums", "bass", "vocals"), backend="Fake") == Target(
        name=phrase, stems=frozenset({"drums", "bass", "vocals"}), complement=True
    )
    assert match(phrase, FOUR, backend="Fake").stems == {"other"}


def test_a_model_with_its_own_stems_is_asked_by_their_names():
    own = ("speech", "effects")
    assert match("the effects", own, backend="Fake").stems == {"effects"}
    assert match("no speech", own, backend="Fake") == Target(
        name="no speech", stems=frozenset({"speech"}), complement=True
    )
    assert suggestions(own) == own
    for foreign in ("drums", "instrumental"):
        with pytest.raises(PromptError, match="speech, effects"):
            match(foreign, own, backend="Fake")


def test_names_of_stems_are_found_whatever_their_case():
    assert match("rhythm guitars", ("Rhythm Guitars", "Rest"), backend="Fake").stems == {"Rhythm Guitars"}


@given(st.text(max_size=60))
def test_any_text_is_either_understood_or_refused(text):
    try:
        target = match(text, SIX, backend="Fake")
    except PromptError:
        return
    assert target.stems
    assert target.stems <= set(SIX)
    assert target.name == text.strip()


@given(st.sampled_from(PHRASES), st.sampled_from(["{}", "  {} ", "{}!", "“{}”", "please {}", "{} please"]))
def test_politeness_space_and_punctuation_around_a_phrase_change_nothing(known, frame):
    phrase, expected = known
    target = match(frame.format(phrase), FOUR, backend="Fake")
    assert {"stems": target.stems, "complement": target.complement} == meaning(expected)
