"""Words for sounds in ten languages mean the same stems, whatever their case, accents and width."""

from __future__ import annotations

import pytest

from separation.errors import PromptError
from separation.prompts.languages import INSTRUMENTAL, WORDS
from separation.prompts.synonyms import listed
from separation.prompts.vocabulary import match

STEMS = ("drums", "bass", "other", "vocals", "guitar", "piano", "strings", "speech", "noise")
CONCEPTS = {"drums", "bass", "vocals", "guitar", "piano", "strings", "speech", "noise", INSTRUMENTAL}
ENTRIES = [(concept, word) for table in WORDS.values() for concept, words in table.items() for word in listed(words)]


def meaning(phrase, stems=STEMS):
    target = match(phrase, stems, backend="Fake")
    return ("- " if target.complement else "") + " ".join(sorted(target.stems))


def test_there_are_nine_languages_beside_english_with_every_sound():
    assert len(WORDS) == 9
    assert all(table.keys() == CONCEPTS for table in WORDS.values())


@pytest.mark.parametrize(("concept", "word"), sorted(set(ENTRIES)))
def test_a_word_means_one_sound(concept, word):
    expected = "- vocals" if concept == INSTRUMENTAL else concept
    assert meaning(word) == expected
    assert meaning(word.upper()) == expected


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        *[(word, "drums") for word in ("bateria", "BATERÍA", "batterı\u0301a".replace("tt", "t"), "ﾄﾞﾗﾑ", "ｄｒｕｍｓ")],
        *[(word, "drums") for word in ("die Drums", "la batterie", "nur Schlagzeug", "ドラムだけ", "只要鼓")],
        *[
            (word, "vocals")
            for word in ("l'voix", "la voz", "śpiew", "spiew", "ГОЛОС", "ボーカル", "人声", "głos", "glos")
        ],
        *[(word, "bass drums") for word in ("batería y bajo", "bateria e baixo", "batterie et basse")],
        *[(word, "bass drums") for word in ("Schlagzeug und Bass", "perkusja i bas", "ударные и бас")],
        *[
            (word, "bass drums")
            for word in ("ドラムとベース", "ドラム、ベース", "ドラム・ベース", "鼓和贝斯", "鼓、贝斯")
        ],
        *[(word, "- vocals") for word in ("sin voz", "sin la voz", "todo menos la voz", "música sin voz", "sem voz")],
        *[(word, "- vocals") for word in ("sans voix", "tout sauf la voix", "ohne Gesang", "alles außer Gesang")],
        *[(word, "- vocals") for word in ("Musik ohne Gesang", "kein Gesang", "senza voce", "tutto tranne la voce")],
        *[(word, "- vocals") for word in ("bez wokalu", "wszystko oprócz wokalu", "без вокала", "всё кроме голоса")],
        *[
            (word, "- vocals")
            for word in ("ボーカルなし", "ボーカル以外", "人声以外", "没有人声", "去人声", "除了人声以外的声音")
        ],
        *[(word, "- drums vocals") for word in ("sin voz ni batería", "ohne Gesang und Schlagzeug", "除了人声和鼓")],
        *[("Bass ohne Schlagzeug", "bass"), ("batería sin voz", "drums"), ("ohne Musik", "vocals")],
    ],
)
def test_people_are_understood_in_their_language(phrase, expected):
    assert meaning(phrase) == expected


@pytest.mark.parametrize(
    "phrase", ["perro", "Hund", "犬", "狗", "собака", "pies", "chien", "sin", "ohne", "なし", "没有"]
)
def test_what_is_no_stem_is_refused_in_any_language(phrase):
    with pytest.raises(PromptError):
        meaning(phrase)
