"""`audio-playground compare`: makes blind tests of results and files, and writes down what listeners answered."""

from __future__ import annotations

import json
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from separation.cli.common import Common, TypedPath, common_options, open_store, printable, require_source
from separation.errors import SettingsError

if TYPE_CHECKING:
    from separation.results.kept import Recording, Result
    from storage import ArtifactStore

USUAL_TRIALS, PASSAGE_S = 16, 8.0
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
    stem: str,
    start_time: float | None,
    end_time: float | None,
    invite: bool,
    studio: str,
    open_browser: bool,
    common: Common,
) -> None:
    """Make a blind test of SIDES, two or more, and say its address.

    A side is a file, or the key of a result or recording (or how it begins), as “cache list” shows it.
    """
    from separation.comparing.blind_test import Kind
    from separation.comparing.heard import stem_of
    from separation.comparing.labels import labels_of_sides, settings_of_side
    from separation.results.kept import Result
    from storage.records import BlindTestTable
    from webapp.state.blind_tests import BlindTests, ComparedSide, NewTest

    if n_abx is not None and n_preference is not None:
        raise SettingsError("Two kinds of test were asked for.", "", "Give --abx or --preference.")
    store = open_store(common.temp_dir, common.say)
    items = [_item(words, store) for words in sides]
    first = items[0]
    start_s, end_s = _passage(min(item.duration_s for item in items), start_time, end_time)
    named = zip(items, labels_of_sides(items), strict=True)
    tests = BlindTests(store, BlindTestTable(store.folder))
    test = tests.create(
        NewTest(
            kind=Kind.ABX if n_preference is None else Kind.PREFERENCE,
            recording=first.recording if isinstance(first, Result) else first.key,
            recording_name=_name_of(first, store),
            stem=stem,
            sides=tuple(
                ComparedSide(
                    heard=stem_of(item, stem),
                    name=name,
                    settings=settings,
                    source=item.key,
                    run_s=item.seconds if isinstance(item, Result) else 0.0,
                    made_with=settings_of_side(item),
                )
                for item, (name, settings) in named
            ),
            start_s=start_s,
            end_s=end_s,
            n_trials=n_preference or n_abx or USUAL_TRIALS,
            guided=invite,
        )
    )
    tests.close()
    address = f"{studio.rstrip('/')}/listen/{test.id}#key={test.key}"
    for number, side in enumerate(test.sides, start=1):
        note = side.note or f"{side.gain_db:+.1f} dB"
        common.say(f"side {number}: {side.label} ({note})")
    common.say(f"test {test.id}: {test.title}, {test.n_trials} trials")
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
    test = tests.get(test_id)
    if test is None:
        raise SettingsError(f"There is no listening test {test_id}.", "", "“compare list” shows those there are.")
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
@common_options
def read(source: Path, common: Common) -> None:
    """Say what the answers in SOURCE mean, a paired_comparison.csv that webMUSHRA has written."""
    from separation.listening.pooling import pooled
    from separation.listening.verdict import abx_verdict
    from separation.listening.webmushra import abx_results, read_paired

    require_source(source)
    results = abx_results(read_paired(source.read_text("utf-8", errors="replace")))
    if not results:
        raise SettingsError(f"There are no answers in “{source}”.", "", "Choose the paired_comparison.csv of a test.")
    for listener, result in results.items():
        common.say(f"{printable(listener)}: {result.n_right} of {result.n_trials} right, p = {result.p_value:.3g}")
    words = abx_verdict(pooled(list(results.values())), n_listeners=len(results))
    common.say(words)
    told = {name: {"n_right": one.n_right, "n_trials": one.n_trials} for name, one in results.items()}
    common.result({"listeners": told, "finding": words})


def _item(words: str, store: ArtifactStore) -> Recording | Result:
    """Return the item that a key, or how one begins, or a file is."""
    from separation.results.kept import kept_of
    from separation.results.runs import import_recording

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


def _name_of(item: Recording | Result, store: ArtifactStore) -> str:
    from separation.results.kept import Result

    if not isinstance(item, Result):
        return item.name
    manifest = store.manifest(item.recording)
    return item.name if manifest is None else manifest.name


def _passage(duration_s: float, start_s: float | None, end_s: float | None) -> tuple[float, float]:
    """Return the passage: as given, or some seconds from the middle."""
    if start_s is None:
        start_s = max(0.0, (duration_s - PASSAGE_S) / 2) if end_s is None else max(0.0, end_s - PASSAGE_S)
    return start_s, min(start_s + PASSAGE_S if end_s is None else end_s, duration_s)
