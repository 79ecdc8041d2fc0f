"""`audio-playground models`: lists, downloads and deletes models, and says where they come from."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from separation.cli.common import Common, RunOption, common_options, gives
from separation.cli.progress_line import can_redraw, redrawn
from separation.formatted import size, size_range, time_range

if TYPE_CHECKING:
    from separation.events import Event
    from separation.model import PublishedModel


SOME_DAMAGED = 6
MINUTE_S = 60.0


@click.group()
def models() -> None:
    """List models, fetch their weights, delete them.

    Weights are kept where other programs look for them too: the Hugging Face cache (HF_HOME) and, for Demucs, the torch
    hub cache (TORCH_HOME). Gated models need a token of an account that was let in (hf auth login, or HF_TOKEN).
    """


@models.command("list")
@common_options
def list_(common: Common) -> None:
    """Say which models there are, how large they are, which are on this computer, and where they come from.

    Of each: its source and who made the files, the SHA-256 of weights that are here, and what a minute of audio takes,
    as measured here or, until then, as elsewhere.
    """
    from separation.backends.catalogue import entries

    known, reports = entries(), _reports()
    for entry in known:
        common.say(f"{entry.name:18} {size(entry.size_bytes):>8}  {'gated' if entry.gated else '':5}  {_state(entry)}")
        common.say(f"    {'; '.join(_about(entry, reports))}")
    common.say("Gated: access is granted per account; “models download” says how to ask for it.")
    for licence, names in _by_licence(known).items():
        common.say(f"{', '.join(names)}: {licence}.")
    common.result({"models": [_plain(entry) for entry in known]})


@models.command()
@gives("model", "path", "bytes")
@click.argument("name")
@click.option("--accept-licence", cls=RunOption, is_flag=True, help="Accept the licence of the weights, once.")
@click.option(
    "--new-revision",
    cls=RunOption,
    is_flag=True,
    help="Take files that changed since they were first fetched.",
)
@common_options
def download(name: str, accept_licence: bool, new_revision: bool, common: Common) -> None:
    """Fetch NAME and what it needs; what broke off is taken up where it stopped.

    The licence of SAM-Audio's weights is shown before the first download and has to be accepted. A model of several
    sources comes from the first that gives it (see “models sources”). Where one of them has changed its files since
    they were first fetched here, nothing is fetched unless --new-revision says so.
    """
    from separation.backends import catalogue
    from separation.hub import digests

    _ask_for_licence(catalogue.entry(name), accept_licence, common)
    progress = DownloadProgress(common)
    try:
        while True:
            try:
                with closing(catalogue.download(name)) as events:
                    for event in events:
                        progress.show(event)
                break
            except digests.RevisionChanged as changed:
                if not new_revision:
                    raise
                digests.accept(changed.repository)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("What arrived is kept.") from None
    finally:
        progress.end()
    entry = catalogue.entry(name)
    common.say(f"{entry.label} is on this computer, in {entry.path}.")
    common.result({"model": name, "path": str(entry.path), "bytes": entry.on_disk_bytes})


@models.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@common_options
def check(names: tuple[str, ...], common: Common) -> None:
    """Compare the models on this computer, or those of these names, with what was published.

    Before a model is used, this is done once for each version of its files, and again after a month; disks change bits
    without a word. What is damaged is never used; “models download” fetches it anew. The exit status is 0 only if
    nothing was damaged. Of folders of models that are yours, nobody knows what was published.
    """
    from separation.backends import catalogue
    from separation.events import EventStream

    known = [catalogue.entry(name) for name in names] or [one for one in catalogue.entries() if one.files]
    found: dict[str, dict[str, bool | None]] = {}
    for entry in known:
        stream = EventStream(catalogue.check(entry.name))
        for _ in stream:
            pass
        found[entry.name] = stream.result
        common.say(f"{entry.name:18} {_verdict(stream.result)}")
    if not known:
        common.say("There are no models on this computer.")
    common.result({"models": found})
    if any(whole is False for files in found.values() for whole in files.values()):
        sys.exit(SOME_DAMAGED)


@models.command()
@click.argument("name")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@common_options
def remove(name: str, yes: bool, common: Common) -> None:
    """Delete NAME from this computer, for other programs that share it too."""
    from separation.backends import catalogue

    entry = catalogue.entry(name)
    n_bytes = entry.on_disk_bytes or entry.partial_bytes
    if n_bytes and not yes:
        click.confirm(f"Delete {entry.label} ({size(n_bytes)})?", abort=True, err=True)
    freed_bytes = catalogue.remove(name)
    common.say(f"Deleted, {size(freed_bytes)} freed." if freed_bytes else f"{entry.label} was not here.")
    common.result({"model": name, "freed_bytes": freed_bytes})


@models.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@common_options
def sources(names: tuple[str, ...], common: Common) -> None:
    """Say where SAM-Audio's models come from, in the order in which places are tried; with NAMES, choose that order.

    Places that are not named are not tried any more. Gated ones are passed over as long as there is no token.
    """
    from separation.models.sam_audio import sources as places

    if names:
        places.use(names)
    order = places.order()
    for number, name in enumerate(order, start=1):
        common.say(f"{number}. {name:15} {places.WORDS[name]}")
    if left_out := [name for name in places.NAMES if name not in order]:
        common.say(f"not tried: {', '.join(left_out)}")
    common.result({"order": list(order)})


def _ask_for_licence(entry: PublishedModel, accept: bool, common: Common) -> None:
    """Show what matters in a model's licence, and remember that it is accepted, unless it is already."""
    from separation.backends import catalogue
    from separation.hub import licences

    terms = licences.to_accept(entry.terms)
    if terms is None or entry.on_disk_bytes is not None:
        return
    if not accept and (common.as_json or not sys.stdin.isatty()):
        catalogue.require_accepted(entry)  # says what to type
    common.say(f"{entry.label}: {entry.provenance}. It is under the {terms.name} ({terms.link}):")
    for point in terms.points:
        common.say(f"- {point}")
    if not accept:
        click.confirm("Do you accept it?", abort=True, err=True)
    licences.accept(terms.name)


class DownloadProgress:
    """Shows received bytes: a changing line on a terminal, a line every tenth when piped, nothing for JSON."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._live = not common.as_json and can_redraw(sys.stderr)
        self._shown: tuple[str, int] | None = None
        self._open = False

    def show(self, event: Event) -> None:
        """Show an event."""
        from separation.events import ModelLoading

        assert isinstance(event, ModelLoading)
        if not event.total_bytes:
            return
        fraction = event.done_bytes / event.total_bytes
        words = f"{event.model}: {size(event.done_bytes)} of {size(event.total_bytes)}"
        if self._live:
            click.echo(redrawn(f"{self._common.mark}{fraction:4.0%}  {words}"), nl=False, err=True)
            self._open = True
        elif (event.model, int(10 * fraction)) != self._shown:
            self._shown = (event.model, int(10 * fraction))
            self._common.say(words)

    def end(self) -> None:
        """End the progress line."""
        if self._open:
            click.echo(err=True)
            self._open = False


def _plain(entry: PublishedModel) -> dict[str, Any]:
    return asdict(entry) | {"path": entry.path and str(entry.path), "files": [str(file) for file in entry.files]}


def _reports() -> tuple[Mapping[str, Any], ...]:
    """Return the reports of runs on this computer, from which times are learned; none if they cannot be read."""
    from separation.results.kept import reports_of
    from storage import ArtifactStore, StorageError, data_folder
    from storage.library import newest

    if not data_folder().is_dir():  # nothing was run yet, and listing models makes no folder
        return ()
    try:
        return tuple(reports_of(newest(ArtifactStore(data_folder()), "result")))
    except StorageError:
        return ()


def _about(entry: PublishedModel, reports: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    from separation.hub.compared import checksum_of

    yield f"{entry.repository}{f', {entry.provenance}' if entry.provenance else ''}"
    for file in entry.files:
        if file.suffix in (".pt", ".safetensors", ".th") and (digest := checksum_of(file)):
            yield f"SHA-256 of {file.name} {digest}"
    yield from _cost(entry, reports)


def _cost(entry: PublishedModel, reports: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield memory and time of a minute of audio with a model's usual settings."""
    from separation.backends import registry
    from separation.doctor.self_test import request_of
    from separation.errors import PlaygroundError
    from separation.estimates.estimates import expected

    backend = registry.named(entry.backend)
    if entry.model is None or backend is None:
        return
    try:
        estimate = expected(backend.settle(request_of(backend, entry.model)), MINUTE_S, reports)
    except PlaygroundError:
        return
    if estimate.memory_bytes is not None:
        yield f"about {size_range(estimate.memory_bytes)} of memory"
    if estimate.seconds is not None:
        yield f"{time_range(estimate.seconds)} for a minute of audio ({estimate.source})"


def _by_licence(known: Iterable[PublishedModel]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for entry in known:
        names.setdefault(entry.licence, []).append(entry.name)
    return names


def _verdict(found: Mapping[str, bool | None]) -> str:
    if damaged := [file for file, whole in found.items() if whole is False]:
        return f"damaged: {', '.join(damaged)}; “models download” fetches it anew"
    if unknown := [file for file, whole in found.items() if whole is None]:
        return f"nobody knows what was published of {', '.join(unknown)}"
    return "whole" if found else "not on this computer"


def _state(entry: PublishedModel) -> str:
    if entry.damaged:
        return f"damaged: {', '.join(entry.damaged)}; “models download” fetches it anew"
    if entry.on_disk_bytes is not None:
        return f"on this computer, {entry.path}"
    if entry.partial_bytes:
        return f"{size(entry.partial_bytes)} fetched so far"
    return "not on this computer"
