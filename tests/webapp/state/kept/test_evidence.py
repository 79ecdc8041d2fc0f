"""Evidence of stored tests: there once somebody has answered everything, and gone with the test."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from separation.backends import registry
from separation.comparing.trials import Said
from separation.request import ChunkSettings, Request
from separation.workflows import presets
from storage import ArtifactStore
from storage.records import BlindTestTable
from tests.support.listening_steps import made, sides
from webapp.pages.presets.findings import with_findings
from webapp.pages.studio import settings_fields
from webapp.state.blind_tests import BlindTests
from webapp.state.kept.evidence import ListeningEvidence, preset_of

SHORT, LONG = (
    registry.get("builtin").settle(Request.of("drums", backend="builtin", chunks=ChunkSettings(chunk_s=chunk_s)))
    for chunk_s in (5.0, 20.0)
)


@pytest.fixture
def tests(tmp_path):
    tests = BlindTests(ArtifactStore(tmp_path), BlindTestTable(tmp_path))
    yield tests
    tests.close()


def a_test_of(tests, folder, *requests):
    made_with = [replace(side, made_with=one.to_dict()) for side, one in zip(sides(folder), requests, strict=True)]
    return made(folder, folder, tests=tests, sides=tuple(made_with), n_trials=16, guided=False)


def take(tests, test, name="Ana"):
    """Answer half of the trials rightly."""
    listener = tests.join(test, name, {})
    for index, trial in enumerate(listener.plan):
        right = Said.A if trial.x == trial.a else Said.B
        wrong = Said.B if right is Said.A else Said.A
        listener = tests.answer(test, listener, index, right if index % 2 else wrong)


def lines(evidence, settled):
    groups = with_findings(settings_fields.groups(settled, settled), settled, evidence)
    return {field["name"]: field["notes"] for group in groups for field in group["fields"] if "notes" in field}


def test_a_finding_stands_at_its_setting_with_a_link_to_the_test(tests, tmp_path):
    test = a_test_of(tests, tmp_path, SHORT, LONG)
    assert lines(ListeningEvidence(tests), SHORT) == {}
    take(tests, test)
    (note,) = lines(ListeningEvidence(tests), SHORT)["chunks.chunk_s"]
    assert note["words"] == "5 s: not told apart from 20 s in 16 trials by 1 listener (8 right, p = 0.60)."
    assert note["link"] == "Test of drums of “song.wav”"
    assert note["href"] == "/compare?items=key+0%2Ckey+1&stem=drums"
    assert list(lines(ListeningEvidence(tests), LONG)) == ["chunks.chunk_s"], "of the other value as well"
    other = replace(SHORT, chunks=ChunkSettings(chunk_s=9.0))
    assert lines(ListeningEvidence(tests), other) == {}


def test_pages_are_told_of_new_evidence_and_lose_that_of_a_deleted_test(tests, tmp_path):
    told = []

    async def listen():
        tests.start()
        evidence = ListeningEvidence(tests)
        evidence.changed.subscribe(lambda: told.append(len(lines(evidence, SHORT))))
        assert lines(evidence, SHORT) == {}
        test = a_test_of(tests, tmp_path, SHORT, LONG)
        take(tests, test)
        await asyncio.sleep(0)
        assert told == [1], "once, with the last answer"
        take(tests, test, "Bo")
        await asyncio.sleep(0)
        assert told == [1, 1]
        assert "in 32 trials by 2 listeners" in lines(evidence, SHORT)["chunks.chunk_s"][0]["words"]
        tests.delete(test)
        await asyncio.sleep(0)
        assert told == [1, 1, 0]

    asyncio.run(listen())
    assert lines(ListeningEvidence(tests), SHORT) == {}


def test_the_newest_tests_come_first_and_not_all_of_many(tests, tmp_path):
    for name in ("Ana", "Bo", "Cy", "Di"):
        take(tests, a_test_of(tests, tmp_path, SHORT, LONG), name)
    newest = [test.id for test in tests.all()]
    found = ListeningEvidence(tests)
    assert [one.test.id for one in found.about("chunks.chunk_s", 5, SHORT)] == newest
    assert len(lines(found, SHORT)["chunks.chunk_s"]) == 3


@pytest.mark.parametrize("name", presets.GENERIC)
def test_presets_are_known_by_their_names_where_a_separator_has_any(name):
    sam = registry.get("sam_torch").settle(presets.apply(name, Request.of("a dog", backend="sam_torch")))
    assert preset_of(sam) == name
    assert preset_of(replace(sam, solver=replace(sam.solver, n_steps=3))) == ""
    assert preset_of(SHORT) == "" == preset_of(replace(sam, backend="of tomorrow"))
