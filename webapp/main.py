"""The server: puts the three packages together and starts NiceGUI. No logic of its own."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from nicegui import app, background_tasks, ui
from nicegui.server import Server as NiceGuiServer

from separation import __version__
from separation.doctor import logs
from separation.engine.dask import Cluster
from separation.engine.tls import Tls
from separation.results.remade import remade
from storage import ArtifactStore, Library
from storage.eviction import TRASH_STAYS_S
from storage.records import (
    BenchmarkTable,
    BlindTestTable,
    DraftTable,
    JobTable,
    NoteTable,
    OwnerTable,
    PresetTable,
    SessionTable,
)
from webapp.access import guard, listening
from webapp.access.belongings import Belongings
from webapp.access.host_token import HostToken, kept_secret
from webapp.access.lan_server import LanServer
from webapp.access.passcode import Passcode, generate_passcode
from webapp.access.rules import AccessRules, access_rules
from webapp.access.sessions import visitor_of
from webapp.access.sharing import Sharing
from webapp.pages.benchmark.page import BenchmarkPage
from webapp.pages.compare.page import ComparePage
from webapp.pages.library.page import LibraryPage
from webapp.pages.listen.page import add_listening_page
from webapp.pages.models.page import ModelsPage
from webapp.pages.settings.page import add_settings_page
from webapp.pages.settings.served import ServedStudio
from webapp.pages.studio.page import StudioPage
from webapp.pages.studio.settings_panel import SettingsSources
from webapp.routes.benchmark_exports import add_benchmark_export_routes
from webapp.routes.blind_test_exports import add_blind_test_export_routes
from webapp.routes.head_requests import HeadRequests
from webapp.routes.listening import add_listening_routes
from webapp.routes.media import add_media_routes
from webapp.routes.uploads import add_upload_routes
from webapp.state.benchmarks import Benchmarks
from webapp.state.blind_tests import BlindTests
from webapp.state.doctor import Doctor
from webapp.state.downloads import Downloads
from webapp.state.drafts import Drafts
from webapp.state.hub_account import HubAccount
from webapp.state.kept.contents import Contents
from webapp.state.kept.evidence import ListeningEvidence
from webapp.state.kept.exports import Exports
from webapp.state.kept.notes import Notes
from webapp.state.kept.own_presets import OwnPresets
from webapp.state.kept.preferences import Preferences
from webapp.state.library.view import LibraryView
from webapp.state.mixers import Mixers
from webapp.state.queue.jobs import Jobs
from webapp.state.queue.visible_jobs import VisibleJobs, keys_known
from webapp.state.run_estimates import RunEstimates
from webapp.state.uploads import Uploads
from webapp.theme import FAVICON, install_theme

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerSettings:
    """How to serve.

    Args:
        home: the data folder.
        host: the address to listen on.
        port: the port to listen on; None takes the first free one from 8080 on.
        passcode: what guests have to know; "auto" generates one; None keeps the one that was chosen last.
        is_shared: whether a passcode is generated and printed if none was ever chosen.
        asks_for_token: whether the host's token is asked for; if not, whoever sits at this computer is the host.
        names: further host names to answer to.
        proxies: addresses of proxies whose word on the address of a visitor is taken.
        open_browser: whether to open the first page in the person's browser.
        limit_bytes: the most bytes that recordings and results may take on disk; None for what was chosen last.
        scheduler: the address of a Dask scheduler; None runs an embedded worker.
        scheduler_tls: the files of its TLS connection, if it has one.
        certificate: the files of the TLS certificate and its key.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int | None = None
    passcode: str | None = None
    is_shared: bool = False
    asks_for_token: bool = True
    names: Sequence[str] = ()
    proxies: Sequence[str] = ()
    open_browser: bool = False
    limit_bytes: int | None = None
    scheduler: str | None = None
    scheduler_tls: Tls | None = None
    certificate: tuple[Path, Path] | None = None


def serve(settings: ServerSettings) -> None:
    """Serve until interrupted.

    Raises:
        SettingsError: other computers could reach the server and there is no passcode, or it cannot listen there.
        StorageError: the data folder cannot be used.
    """
    port = listening.choose_port(settings.host, settings.port)
    store = ArtifactStore(settings.home, limit_bytes=settings.limit_bytes, version=__version__, remake=remade)
    logs.to_file(settings.home / "log" / f"studio-{port}.log")
    store.sweep()
    store.empty_trash(older_than_s=TRASH_STAYS_S)
    jobs, drafts = JobTable(settings.home), DraftTable(settings.home)
    for damage in (*store.index_damages, *jobs.damages, *drafts.damages):
        log.warning("%s", damage)
    rules = _rules(settings, port)
    preferences, lan = Preferences(settings.home), LanServer(app, rules, settings.certificate)
    app.on_shutdown(lan.stop)
    addresses = listening.addresses(settings.host, port, tls=settings.certificate is not None)
    shared = create_app(
        store,
        Cluster(settings.scheduler, tls=settings.scheduler_tls, scratch=store.scratch),
        jobs,
        drafts,
        works_here=settings.scheduler is None,
        links=lan.addresses,
        preferences=preferences,
    )
    sessions = guard.install(app, rules, SessionTable(settings.home))
    add_settings_page(
        ServedStudio(
            rules=rules,
            sessions=sessions,
            lan=lan,
            store=store,
            preferences=preferences,
            doctor=shared.doctor,
            has_given_limit=settings.limit_bytes is not None,
            scheduler=settings.scheduler,
        )
    )
    first_page = ""
    if settings.open_browser:
        app.on_startup(lambda: shared.jobs.prepare())  # somebody sits here, and will soon want to hear something
        token, first_page = rules.token, addresses[0]
        if token is not None:
            first_page = token.redirect_file(settings.home, first_page, port).as_uri()
    if rules.token is not None:
        addresses = (rules.token.in_address(addresses[0]), *addresses[1:])
    tls: dict[str, Any] = {}
    if settings.certificate is not None:
        tls = {"ssl_certfile": str(settings.certificate[0]), "ssl_keyfile": str(settings.certificate[1])}

    def announce() -> None:
        server = NiceGuiServer.instance
        background_tasks.create(listening.announce(server, addresses, first_page))

    app.on_startup(announce)
    # What the imports made is never garbage; looking through it stopped pages for a tenth of a second now and then.
    app.on_startup(gc.freeze)
    # Beside the event loop a thread writes what a job made; it lets go of the interpreter after 1 ms instead of 5.
    app.on_startup(lambda: sys.setswitchinterval(0.001))
    try:
        ui.run(
            host=settings.host,
            port=port,
            title="Audio Playground",
            favicon=FAVICON,
            language="en-US",
            reload=False,
            show=False,  # the browser opens once somebody answers there
            show_welcome_message=False,
            storage_secret=kept_secret(settings.home, "storage_secret"),
            reconnect_timeout=30,
            fastapi_docs=False,
            timeout_graceful_shutdown=2,
            log_config=None,  # the log is that of the whole program
            proxy_headers=False,  # a header must not choose the address that the passcode's brake counts
            **tls,
        )
    except SystemExit:
        if not NiceGuiServer.instance.started:
            listening.choose_port(settings.host, port)  # says it, if another program has taken the port meanwhile
        raise


def _rules(settings: ServerSettings, port: int) -> AccessRules:
    """Return what the server asks of a browser; a new passcode is kept, and printed if it was made up."""
    sharing = Sharing(settings.home)
    is_made_up = settings.passcode == "auto" or (
        settings.is_shared and settings.passcode is None and sharing.passcode is None
    )
    text = generate_passcode() if is_made_up else settings.passcode
    if text is not None:
        sharing.set_passcode(Passcode.of(text))
    token = HostToken(kept_secret(settings.home, "host_token")) if settings.asks_for_token else None
    rules = access_rules(
        settings.host, sharing, port=port, token=token, extra_names=settings.names, proxies=settings.proxies
    )
    if is_made_up:
        print(f"Passcode: {text}", flush=True)
    return rules


class Shared(NamedTuple):
    """What pages share that others use as well."""

    jobs: Jobs
    doctor: Doctor


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visitor of a page sees of what is here."""

    library: LibraryView
    jobs: VisibleJobs
    drafts: Drafts
    mixers: Mixers
    exports: Exports


def create_app(
    store: ArtifactStore,
    engine: Cluster,
    book: JobTable,
    drafts: DraftTable,
    *,
    works_here: bool = True,
    links: Callable[[], Sequence[str]] = tuple,
    preferences: Preferences | None = None,
) -> Shared:
    """Register pages and routes and return what they share.

    Args:
        store: keeps recordings and results.
        engine: runs the work.
        book: keeps the records of jobs.
        drafts: keeps drafts and mixes.
        works_here: whether the workers are on this computer.
        links: returns the addresses at which other computers reach the server now.
        preferences: what was chosen for the data folder.
    """
    # Quasar's bar at the top says nothing to a screen reader, and what is on its way has a card of its own.
    app.config.quasar_config["loadingBar"]["skipHijack"] = True
    owners = OwnerTable(store.folder)
    library = Library(store)
    belongings = Belongings(owners, lambda key: jobs.tracks.recording_of(key) or library.source(key))
    jobs = Jobs(store, engine, book, belongings)
    library_view = LibraryView(library, belongings, parts=lambda: benchmarks.parts())
    estimates = RunEstimates(store, here=works_here)
    jobs.changed.subscribe(estimates.job_changed)
    chosen = preferences or Preferences(store.folder)
    shared_drafts = Drafts(drafts, separator=lambda: chosen.separator)
    mixers, exports = Mixers(drafts), Exports(chosen)
    downloads, account, doctor = Downloads(), HubAccount(), Doctor(engine, jobs)
    test_table, note_table = BlindTestTable(store.folder), NoteTable(store.folder)
    preset_table, benchmark_table = PresetTable(store.folder), BenchmarkTable(store.folder)
    for damage in (
        *test_table.damages,
        *note_table.damages,
        *preset_table.damages,
        *benchmark_table.damages,
        *owners.damages,
    ):
        log.warning("%s", damage)
    uploads, tests, notes = Uploads(), BlindTests(store, test_table), Notes(note_table)
    presets = OwnPresets(preset_table)
    benchmarks = Benchmarks(store, engine, jobs, benchmark_table, is_local=works_here)
    sources = SettingsSources(estimates, presets, ListeningEvidence(tests), downloads, Contents())
    jobs.fetched.subscribe(downloads.disk_changed.emit)
    add_listening_routes(app, tests)
    add_listening_page(app)
    add_blind_test_export_routes(app, store, tests)
    add_benchmark_export_routes(app, benchmarks)
    add_media_routes(app, library_view, uploads, jobs.tracks)
    add_upload_routes(app, library_view, uploads)
    app.add_middleware(HeadRequests)

    def forget_deleted() -> None:
        here = {row.key for row in store.rows("recording")}
        belongings.keep_only(keys_known(store, jobs))
        shared_drafts.keep_only(here)
        mixers.keep_only(here)
        notes.keep_only(here)

    forget_deleted()  # other programs may have deleted recordings meanwhile
    library_view.emptied.subscribe(forget_deleted)

    def visit() -> Visit:
        """Draw what all pages have, and return what the visitor of this one sees."""
        install_theme()
        visitor = visitor_of(ui.context.client.request)
        seen = library_view.seen_by(visitor)
        return Visit(
            seen,
            VisibleJobs(jobs, seen),
            shared_drafts.seen_by(visitor),
            mixers.seen_by(visitor),
            exports.seen_by(visitor),
        )

    @ui.page("/", title="Audio Playground", language="en-US")
    def studio(recording: str = "", prompts: str = "", result: str = "", use: str = "", files: str = "") -> None:
        seen = visit()
        page = StudioPage(seen.library, seen.jobs, uploads, seen.drafts, seen.mixers, seen.exports, sources)
        listed = files.split(",") if files else []
        page.list_files(listed)
        if recording := recording or next(iter(listed), ""):
            page.open(recording, [words for words in prompts.split(",") if words.strip()], result, use=bool(use))

    @ui.page("/compare", title="Compare", language="en-US")
    def compare(items: str = "", stem: str | None = None, blind: str = "", recording: str = "") -> None:
        page = ComparePage(visit().library, tests, notes, presets, links)
        if items:
            page.open(items.split(","), stem, blind=bool(blind))
        elif recording:
            page.open_results(recording)

    @ui.page("/benchmark", title="Benchmark", language="en-US")
    @ui.page("/benchmark/{id}", title="Benchmark", language="en-US")
    def benchmark(id: str = "") -> None:
        BenchmarkPage(benchmarks, visit().library, estimates, presets, id)

    @ui.page("/library", title="Library", language="en-US")
    def library_page() -> None:
        seen = visit()
        LibraryPage(seen.library, seen.jobs, seen.exports, tests)

    @ui.page("/models", title="Models", language="en-US")
    def models() -> None:
        install_theme()
        ModelsPage(downloads, account, doctor, estimates, benchmarks)

    app.on_startup(tests.start)
    app.on_shutdown(tests.close)
    app.on_shutdown(downloads.close)
    app.on_shutdown(doctor.close)
    app.on_shutdown(jobs.close)
    app.on_shutdown(engine.close)
    return Shared(jobs, doctor)
