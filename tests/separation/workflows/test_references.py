from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from separation.errors import SettingsError
from separation.workflows.references import Reference, fill, parse_template, references, written

VALUES = {
    "song": "a ${b}.wav",
    "sounds": ["drums", "no vocals"],
    "stems": {"files": ["d.wav", "r.wav"], "tracks": {"drums": "d.wav", "a.b": "x.wav"}, "n": 3, "cached": True},
    "empty": {},
    "open": {"nothing": None, "rows": [[1]]},
}


def filled(text):
    return [written(one) for one in fill(parse_template(text), VALUES)]


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("plain", ["plain"]),
        ("", [""]),
        ("${song}", ["a ${b}.wav"]),
        ("${stems.tracks.drums}", ["d.wav"]),
        ('${stems.tracks["a.b"]}', ["x.wav"]),
        ("${stems.files[1]}", ["r.wav"]),
        ("${stems.files}", ["d.wav", "r.wav"]),
        ("${sounds}", ["drums", "no vocals"]),
        ("x/${sounds[0]}-${stems.n}-${stems.cached}", ["x/drums-3-true"]),
        ("$${song} costs 5$", ["${song} costs 5$"]),
        ("${later.file}", ["${later.file}"]),
        ("${later.file}/${song}", ["${later.file}/a ${b}.wav"]),
    ],
)
def test_references_are_filled_in_and_what_is_not_known_yet_stays(text, texts):
    assert filled(text) == texts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${", "is no reference"),
        ("${}", "is no reference"),
        ("${a b}", "is no reference"),
        ("${a.}", "is no reference"),
        ("${a[x]}", "is no reference"),
        ("${$(reboot)}", "is no reference"),
        ("${stems}", "is a table. It has: files, tracks, n, cached."),
        ("${empty}", "is a table. It has: nothing."),
        ("${stems.trakcs}", "stems has: files, tracks, n, cached."),
        ("${stems.tracks.bass}", "stems.tracks has: drums, a.b."),
        ("${stems.files[2]}", "stems.files is a list of 2"),
        ("${stems.files.first}", "stems.files is a list of 2"),
        ("${song.name}", "which has no parts"),
        ("${song[0]}", "which has no parts"),
        ("x${sounds}", "${sounds} is a list here"),
        ("${open.nothing}", "is nothing here"),
        ("${open.rows}", "is a list here"),
    ],
)
def test_what_leads_nowhere_says_what_there_is(text, said):
    with pytest.raises(SettingsError) as caught:
        filled(text)
    assert said in str(caught.value)


@given(st.text())
def test_every_text_is_a_template_that_is_written_as_it_was_or_is_refused(text):
    try:
        template = parse_template(text)
    except SettingsError:
        assert "${" in text
        return
    assert written(template) == text.replace("$${", "${")
    assert all(isinstance(piece, (str, Reference)) for piece in template)
    assert len(references(template)) <= text.count("${")
