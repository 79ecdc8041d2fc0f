"""`audio-playground compare`: makes blind tests of results and files, and writes down what listeners answered."""

from __future__ import annotations

import json
import webbrowser
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from separation.cli.common import Common, TypedPath, common_options, open_store, printable, require_source
from separation.errors import SettingsError
from separation.formatted import counted

if TYPE_CHECKING:
    from separation.comparing.blind_test import BlindTest
    from separation.comparing.heard import Compared
    from storage import ArtifactStore
    from webapp.state.blind_tests import BlindTests

USUAL_TRIALS, PASSAGE_S = 16, 8.0
MOST_PASSAGES = 20
SHORTEST_KEY = 6  # characters of a key that name an item


class UsualCommand(click.Group):
    """A group whose first command need not be named: `compare A B` is `compare make A B`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the usual command in front of what is none of a command's names."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["make", *args]
        return super().parse_args(ctx, args)


@click.group(cls=UsualCommand)
def compare() -> None:
    """Make a blind test of results and files, and get what its listeners answered.

    “compare A B” is short for “compare make A B”.
    """


@compare.command()
@click.argument("sides", nargs=-1, required=True)
@click.option(
    "--abx", "n_abx", type=click.IntRange(1, 100), help=f"Trials of “which is X?”; {USUAL_TRIALS} unless told."
)
@click.option("--preference", "n_preference", type=click.IntRange(1, 100), help="Trials of “which is better?” instead.")
@click.option(
    "--rating",
    "n_rating",
    type=click.IntRange(1, MOST_PASSAGES),
    help="Passages in which all others are rated beside the first side, the reference.",
)
@click.option("--stem", default="", help="The track that is heard of each result; all of them if absent.")
@click.option("--start-time", type=click.FloatRange(0), help="Where the passage begins, in seconds.")
@click.option("--end-time", type=click.FloatRange(0), help="Where it ends; 0.5 to 30 s later.")
@click.option(
    "--invite", is_flag=True, help="For listeners who give a name, check headphones and have a trial to train."
)
@click.option("--studio", default="http://127.0.0.1:8080", show_default=True, help="Where the studio is to be found.")
@click.option("--open", "open_browser", is_flag=True, help="Open the test in the browser.")
@common_options
def make(
    sides: Sequence[str],
    n_abx: int | None,
    n_preference: int | None,
    n_rating: int | None,
    stem: str,
    start_time: float | None,
    end_time: float | None,
    invite: bool,
    studio: str,
    open_browser: bool,
    common: Common,
) -> None:
    """Make a blind test of SIDES, two or more, and say its address.

    A side is a file, or the key of a result or recording (or how it begins), as “cache list” shows it. True stems, if
    they are known, are their recording's key and “.stems”.
    """
    from separation.comparing.addresses import address_of
    from separation.comparing.blind_test import Kind
    from separation.comparing.heard import stem_of
    from separation.comparing.labels import labels_of_sides, settings_of_side
    from separation.results.kept import Recording, Result
    from storage.records import BlindTestTable
    from webapp.state.blind_tests import BlindTests, ComparedSide, NewTest

    asked = {Kind.ABX: n_abx, Kind.PREFERENCE: n_preference, Kind.RATING: n_rating}
    kinds = [kind for kind, n in asked.items() if n is not None] or [Kind.ABX]
    if len(kinds) > 1:
        raise SettingsError("Two kinds of test were asked for.", "", "Give one of --abx, --preference and --rating.")
    store = open_store(common.temp_dir, common.say)
    items = [_item(words, store) for words in sides]
    of = next((item for item in items if isinstance(item, Result)), items[0])  # whose Compare page lists the test
    duration_s = min(item.duration_s for item in items)
    if kinds == [Kind.RATING]:
        start_s, end_s = start_time or 0.0, duration_s if end_time is None else min(end_time, duration_s)
    else:
        start_s, end_s = _passage(duration_s, start_time, end_time)
    results = [item.track_names for item in items if isinstance(item, Result)]
    beside = results[0] if results else ()
    named = zip(items, labels_of_sides(items), strict=True)
    tests = BlindTests(store, BlindTestTable(store.folder))
    test = tests.create(
        NewTest(
            kind=kinds[0],
            recording=of.key if isinstance(of, Recording) else of.recording,
            recording_name=_name_of(of, store),
            stem=stem,
            sides=tuple(
                ComparedSide(
                    heard=stem_of(item, stem, beside),
                    name=name,
                    settings=settings,
                    source=address_of(item),
                    run_s=item.seconds if isinstance(item, Result) else 0.0,
                    made_with=settings_of_side(item),
                )
                for item, (name, settings) in named
            ),
            start_s=start_s,
            end_s=end_s,
            n_trials=asked[kinds[0]] or USUAL_TRIALS,
            guided=invite,
        )
    )
    tests.close()
    address = f"{studio.rstrip('/')}/listen/{test.id}#key={test.key}"
    for number, side in enumerate(test.sides, start=1):
        note = side.note or f"{side.gain_db:+.1f} dB"
        common.say(f"side {number}: {side.label} ({note})")
    trials = "" if test.kind is Kind.RATING else f", {test.n_trials} trials"
    common.say(f"test {test.id}: {test.title}{trials}")
    common.say(f"address: {address}")
    common.say("It is taken where a studio with this data folder runs: audio-playground serve")
    if open_browser:
        webbrowser.open(address)
    common.result({"id": test.id, "address": address, "n_trials": test.n_trials, "start_s": start_s, "end_s": end_s})


@compare.command("list")
@common_options
def list_(common: Common) -> None:
    """Say which tests there are, how far their listeners have come, and what was found."""
    from separation.comparing.finding import finding_of
    from storage.records import BlindTestTable
    from webapp.state.blind_tests import BlindTests

    store = open_store(common.temp_dir, common.say)
    tests = BlindTests(store, BlindTestTable(store.folder))
    found: list[dict[str, Any]] = []
    for test in tests.all():
        listeners = tests.listeners(test)
        finding = finding_of(test, listeners)
        state = "closed" if test.closed else "open"
        common.say(f"{test.id}  {state:6}  {finding.n_complete} of {len(listeners)} sets complete  {test.title}")
        for words in finding.words:
            common.say(f"          {words}")
        if finding.words:
            tests.mark_seen(test)
        found.append({"id": test.id, "title": test.title, "n_complete": finding.n_complete, "finding": finding.words})
    tests.close()
    if not found:
        common.say("There are no listening tests.")
    common.result({"tests": found})


@compare.command()
@click.argument("test_id")
@click.option(
    "--out", "-o", "chosen", type=TypedPath(), help="The file to write; its extension says how: .json or .csv."
)
@common_options
def export(test_id: str, chosen: Path | None, common: Common) -> None:
    """Write the test TEST_ID with all answers into a file, test-ID.json unless told otherwise."""
    from separation.audio.files import new_file
    from separation.comparing.answers_file import exported, table
    from storage.records import BlindTestTable
    from webapp.state.blind_tests import BlindTests

    target = chosen or Path(f"test-{test_id}.json")
    if target.suffix not in (".json", ".csv"):
        raise SettingsError(
            f"“{target}” is no file for answers.", "They are written as JSON or CSV.", "Name it .json or .csv."
        )
    common.claim([], [target])
    store = open_store(common.temp_dir, common.say)
    tests = BlindTests(store, BlindTestTable(store.folder))
    test = _test(test_id, tests)
    listeners = tests.listeners(tests.mark_seen(test))
    tests.close()
    whole = exported(test, listeners)
    text = table(test, listeners) if target.suffix == ".csv" else json.dumps(whole, ensure_ascii=False, indent=2) + "\n"
    with new_file(target) as making:
        making.write_text(text, encoding="utf-8", newline="")
    common.say(f"wrote {target}: {len(listeners)} listeners")
    common.result({"file": str(target), "n_listeners": len(listeners), "finding": whole["finding"]})


@compare.command()
@click.argument("source", type=TypedPath())
@click.option("--test", "test_id", help="The test that they are answers to.")
@common_options
def read(source: Path, test_id: str | None, common: Common) -> None:
    """Say what the answers in SOURCE mean, a paired_comparison.csv or mushra.csv that webMUSHRA has written.

    With --test they count as answers to a test of this data folder, whose archive was unpacked there.
    """
    from separation.listening.pooling import pooled
    from separation.listening.verdict import abx_verdict
    from separation.listening.webmushra import abx_results, is_mushra, read_paired

    require_source(source)
    text = source.read_text("utf-8", errors="replace")
    if test_id is not None:
        _count(test_id, text, common)
        return
    if is_mushra(text):
        _say_ratings(source, text, common)
        return
    results = abx_results(read_paired(text))
    if not results:
        raise SettingsError(f"There are no answers in “{source}”.", "", "Choose the paired_comparison.csv of a test.")
    for listener, result in results.items():
        common.say(f"{printable(listener)}: {result.n_right} of {result.n_trials} right, p = {result.p_value:.3g}")
    words = abx_verdict(pooled(list(results.values())), n_listeners=len(results))
    common.say(words)
    told = {name: {"n_right": one.n_right, "n_trials": one.n_trials} for name, one in results.items()}
    common.result({"listeners": told, "finding": words})


def _count(test_id: str, text: str, common: Common) -> None:
    """Add the listeners of a results file to a test."""
    from storage.records import BlindTestTable
    from webapp.state.blind_tests import BlindTests

    store = open_store(common.temp_dir, common.say)
    tests = BlindTests(store, BlindTestTable(store.folder))
    n_listeners = tests.add_answers(_test(test_id, tests), text)
    tests.close()
    common.say(f"{counted(n_listeners, 'listener')} counted in test {test_id}")
    common.result({"id": test_id, "n_listeners": n_listeners})


def _say_ratings(source: Path, text: str, common: Common) -> None:
    """Say what ratings mean, those of listeners whom post-screening excludes left out."""
    from separation.listening.rating import screened, summaries
    from separation.listening.rating_verdict import NOBODY, mean_text, screening_note
    from separation.listening.webmushra import read_mushra

    ratings = read_mushra(text)
    if not ratings:
        raise SettingsError(f"There are no answers in “{source}”.", "", "Choose the mushra.csv of a test.")
    found = {one.listener: one for one in screened(ratings)}
    for name, one in found.items():
        if note := screening_note(one):
            common.say(f"{printable(name)}: {note}")
    summed = summaries(one for one in ratings if not found[one.listener].excluded)
    for condition, summary in sorted(summed.items(), key=lambda one: -one[1].mean):
        common.say(f"{printable(condition)}: {mean_text(summary, 1)}")
    if not summed:
        common.say(NOBODY)
    common.result(
        {
            "conditions": {condition: asdict(summary) for condition, summary in summed.items()},
            "left_out": [name for name, one in found.items() if one.excluded],
        }
    )


def _test(test_id: str, tests: BlindTests) -> BlindTest:
    test = tests.get(test_id)
    if test is None:
        raise SettingsError(f"There is no listening test {test_id}.", "", "“compare list” shows those there are.")
    return test


def _item(words: str, store: ArtifactStore) -> Compared:
    """Return the item that a key, or how one begins, or a file is."""
    from separation.comparing.addresses import item_at
    from separation.results.kept import kept_of
    from separation.results.runs import import_recording

    if words.endswith(".stems") and not Path(words).exists():
        return item_at(words, lambda key: _item(key, store))

    if not Path(words).exists() and len(words) >= SHORTEST_KEY and set(words) <= set("0123456789abcdef"):
        kinds = ("recording", "result")
        found = [one for one in store.list() if one.key.startswith(words) and one.manifest.kind in kinds]
        if len(found) == 1:
            return kept_of(found[0])
        if found:
            raise SettingsError(f"Several keys begin with {words}.", "", "Give more of it.")
    path = Path(words).expanduser()
    require_source(path)
    return import_recording(path, store)


def _name_of(item: Compared, store: ArtifactStore) -> str:
    from separation.results.kept import Recording

    if isinstance(item, Recording):
        return item.name
    manifest = store.manifest(item.recording)
    return item.name if manifest is None else manifest.name


def _passage(duration_s: float, start_s: float | None, end_s: float | None) -> tuple[float, float]:
    """Return the passage: as given, or some seconds from the middle."""
    if start_s is None:
        start_s = max(0.0, (duration_s - PASSAGE_S) / 2) if end_s is None else max(0.0, end_s - PASSAGE_S)
    return start_s, min(start_s + PASSAGE_S if end_s is None else end_s, duration_s)
