"""The Library page: search, rename, pin, delete and restore recordings and results; disk use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from nicegui import run, ui

from separation.errors import PlaygroundError
from separation.formatted import counted
from separation.results.kept import DamagedItem, Result
from separation.workflows import recipe
from storage import StorageError
from storage.damage import Damage
from storage.table import TableDamage
from webapp.access.handlers import asks, only_for
from webapp.access.roles import Right
from webapp.access.routes import Asks
from webapp.components.library_list.library_list import LibraryList, Verb
from webapp.components.upload.upload import UploadArea, Uploaded, UploadRefused
from webapp.pages.library.clean_up import CleanUpDialog
from webapp.pages.library.disk_use import DiskUse
from webapp.pages.listen.test_lines import BlindTestLines
from webapp.pages.queue.job_report import rows_of
from webapp.pages.queue.job_words import STATES
from webapp.pages.queue.panel import QueueView
from webapp.routes.export_choice import ExportChoice
from webapp.state.blind_tests import BlindTests
from webapp.state.kept.exports import Exports
from webapp.state.library.rows import RESULTS_SHOWN, SORTS, LibraryQuery
from webapp.state.library.view import LibraryView
from webapp.state.queue.jobs import State
from webapp.state.queue.visible_jobs import VisibleJobs
from webapp.theme import (
    Messages,
    button,
    drop_zone,
    icon_button,
    scheme_menu,
    shell,
    text,
    tipped,
)

LOOK_AGAIN_S = 10.0  # terminals and other servers change the library too, without notice
LOOKS = {State.RUNNING: "ok", State.INTERRUPTED: "warn"}


class LibraryPage:
    """One open Library page. Search, sorting and unfolded rows belong to it alone; the store holds the rest."""

    def __init__(self, library_view: LibraryView, jobs: VisibleJobs, exports: Exports, tests: BlindTests) -> None:
        self._library_view, self._jobs, self._store = library_view, jobs, library_view.store
        self._query = LibraryQuery()
        self._details: dict[str, _Details] = {}
        self._exports, self._export = exports, ExportChoice.from_query(exports.query)
        self._deleted: tuple[str, ...] = ()
        self._shown: object = None
        self._n_damaged: int | None = None  # of what was found damaged, how much this page has said
        self._n_looks = 0
        self._readable = True
        self._to_studio = False  # what was uploaded is opened there
        with shell("library", side="", footer=False) as frame:
            with frame.header:
                self._header()
            with frame.main:
                self._main()
                BlindTestLines(tests)
        library_view.changed.subscribe(self._look)
        jobs.arranged.subscribe(self._look)
        ui.timer(LOOK_AGAIN_S, self._look)

    # what the screen holds, top to bottom

    def _header(self) -> None:
        text("Library", tag="h1")
        text("", "grow")
        QueueView(self._jobs, on_open=lambda key: ui.navigate.to(f"/?recording={key}"))
        scheme_menu()

    def _main(self) -> None:
        self._uploads = UploadArea(on_uploaded=self._uploaded, on_refused=self._refused)
        self._messages = Messages()
        self._clean_up = CleanUpDialog(self._library_view, on_done=self._cleaned)
        self._empty_trash = _Question("Empty the trash?", "What is in it is deleted for good.", self._trash_emptied)
        self._empty = ui.element("div").classes("stack")
        with self._empty, drop_zone("Nothing here yet", "Recordings and the results made of them are kept here."):
            with only_for(ui.element("div").classes("job-buttons"), Right.UPLOAD):
                button("Browse files", self._uploads.browse, icon_name="file", tip="Several at once, up to 4 GB each")
                button("Try the demo", self._try_demo, kind="primary", tip="A short song made for this program")
            link = ui.link("Open the Studio", "/").classes("button plain")
            tipped(link, "Where recordings are separated")
        self._empty.set_visibility(False)
        self._disk = DiskUse(on_clean=self._clean_up.open, on_empty=self._empty_trash.ask, on_check=self._check)
        self._list = LibraryList(
            on_ask=self._ask,
            on_unfold=self._unfold,
            on_details=self._toggle_details,
            on_act=self._act,
            on_rename=self._rename,
            on_export=self._choose_export,
        )
        self._list.set_export(urlencode(self._export.query))
        with ui.element("div").classes("lib-notice").props("role=status"):
            self._notice = ui.element("div").classes("lib-notice-line")
        with self._notice:
            self._said = text("", "grow")
            undo = button("Undo", self._restore_deleted, icon_name="undo", tip="Restores what was just deleted")
            self._undo = only_for(undo, Right.MANAGE)
            icon_button("close", "Dismiss", lambda: self._notice.set_visibility(False))
        self._notice.set_visibility(False)

    # what is shown

    async def _look(self, *, reread: bool = True) -> None:
        """Redraw the list if it has changed; with `reread` read the store again, which a new query does not need."""
        self._n_looks += 1
        this_look = self._n_looks
        try:
            view = await run.io_bound(self._library_view.view, self._query, self._job_rows(), reread=reread)
            usage = await run.io_bound(self._store.usage)
        except StorageError as error:
            self._readable = False
            self._say_error(error)
            return
        if view is None or usage is None or this_look != self._n_looks:
            return  # the server is being stopped, or something else is wanted by now
        if not self._readable:
            self._readable = True
            self._messages.clear()
        self._say_damage()
        details = self._shown_details()
        if self._shown == (shown := (view, usage, details)):
            return
        self._shown = shown
        nothing = view["empty"] and not view["n_trashed"]
        self._empty.set_visibility(nothing)
        self._list.set_visibility(not nothing)
        self._list.show(view, details)
        self._disk.show(usage, self._store.limit_bytes)

    def _job_rows(self) -> dict[str, dict[str, Any]]:
        """Return, by recording, the part of its row about a job that waits, runs, or was interrupted."""
        running = [self._jobs.running] if self._jobs.running is not None else []
        return {
            job.record.recording: {
                "words": STATES[job.state],
                "look": LOOKS.get(job.state, ""),
                "href": f"/?recording={job.record.recording}",
            }
            for job in (*self._jobs.interrupted, *reversed(self._jobs.queue), *running)
        }

    # what people do

    async def _ask(self, search: str, sort: str, page: int, trash: bool) -> None:
        sort = sort if sort in SORTS else "newest"
        self._query = replace(self._query, search=search, sort=sort, page=page, trash=trash)
        await self._look(reread=False)

    async def _unfold(self, key: str, n_results: int) -> None:
        unfolded = dict(self._query.unfolded)
        unfolded[key] = RESULTS_SHOWN if n_results < 0 else n_results
        self._query = replace(self._query, unfolded=unfolded)
        await self._look(reread=False)

    async def _toggle_details(self, key: str) -> None:
        if self._details.pop(key, None) is None:
            details = await self._try(partial(_details, self._library_view, key))
            if details is not None:
                self._details[key] = details
        await self._look()

    def _choose_export(self, name: str, value: Any) -> None:
        self._export, said = self._export.choosing(name, value)
        if said:
            ui.notify(said)
        self._list.set_export(urlencode(self._export.query))
        try:
            self._exports.remember(urlencode(self._export.query))
        except StorageError as error:
            self._say_error(error)
        self._list.show_details(self._shown_details())

    def _shown_details(self) -> dict[str, dict[str, Any]]:
        return {key: one.shown(self._export) for key, one in self._details.items()}

    async def _act(self, verb: Verb, keys: Sequence[str]) -> None:
        match verb:
            case "trash":
                await self._delete(keys)
            case "restore":
                if back := await self._try(partial(self._library_view.restore, keys)):
                    self._say_done(f"{counted(len(back), 'item')} restored.")
            case "pin" | "unpin":
                await self._try(partial(self._library_view.pin, keys, verb == "pin"))
            case "share" | "unshare":
                await self._try(partial(self._library_view.share, keys, verb == "share"))
        await self._tell()

    async def _delete(self, keys: Sequence[str]) -> None:
        mine = [key for key in keys if self._library_view.may_change(key)]  # of others' it is refused without a word
        if (busy := self._jobs.busy_with(mine)) is not None:
            self._say_error(
                StorageError(
                    f"“{busy.record.recording_name}” was not deleted.",
                    "A job for it waits or runs.",
                    "Cancel the job in the queue, or wait for its end. Then delete it.",
                )
            )
            return
        names = await self._try(partial(self._library_view.names, keys)) or []
        gone = await self._try(partial(self._library_view.trash, keys))
        if gone:
            self._deleted = gone
            self._say_done(f"{_named(names, len(gone))} moved to the trash.", undo=True)

    async def _restore_deleted(self) -> None:
        back = await self._try(partial(self._library_view.restore, self._deleted))
        if back is not None:
            lost = len(self._deleted) - len(back)
            more = f"; {counted(lost, 'item')} had already been deleted for good or restored" if lost else ""
            self._say_done(f"{counted(len(back), 'item')} restored{more}.")
        await self._tell()

    async def _rename(self, key: str, name: str) -> None:
        await self._try(partial(self._library_view.rename, key, name))
        await self._tell()

    async def _trash_emptied(self) -> None:
        gone = await self._try(self._store.empty_trash)
        self._library_view.emptied.emit()
        if gone is not None:
            self._say_done(f"{counted(len(gone), 'item')} deleted for good.")
        await self._tell()

    async def _check(self) -> None:
        """Compare everything with its digests, and say what was found; damage shows as a message of its own."""
        self._disk.check.set_text("Checking…")
        self._disk.check.props("disabled")
        words = await self._try(self._library_view.check)
        self._disk.check.set_text("Check")
        self._disk.check.props(remove="disabled")
        if words is not None:
            self._say_done(words)
        await self._tell()

    def _say_damage(self) -> None:
        """Show the last item found damaged since the last look, or, at first, one that was not made again since.

        Whoever has deleted what was set aside knows of it.
        """
        found = self._store.checks.found
        lost: list[Damage | TableDamage] = []
        if self._store.damaged.share().n:
            lost = [*self._store.checks.lost.values(), *self._store.index_damages]
        new = lost if self._n_damaged is None else found[self._n_damaged :]
        self._n_damaged = len(found)
        if not self._library_view.visitor.is_host:
            new = [one for one in new if isinstance(one, Damage) and self._library_view.may_change(one.key)]
        if new:
            more = f" {counted(len(new) - 1, 'more item')} was found too." if len(new) > 1 else ""
            self._say_error(StorageError(new[-1].what, new[-1].why + more, new[-1].todo))

    async def _cleaned(self, words: str) -> None:
        self._library_view.emptied.emit()
        self._say_done(words)
        await self._tell()

    def _try_demo(self) -> None:
        self._to_studio = True
        self._uploads.try_demo()

    async def _uploaded(self, uploaded: Uploaded) -> None:
        if self._to_studio:
            ui.navigate.to(f"/?recording={uploaded['key']}")
            return
        self._say_done(f"“{uploaded['name']}” is in the library.")
        await self._tell()

    def _refused(self, refused: UploadRefused) -> None:
        self._say_error(StorageError(refused["what"], refused["why"], refused["todo"]))

    # telling

    async def _tell(self) -> None:
        """Redraw this page and notify the other open ones."""
        await self._look()
        self._library_view.changed.emit()

    async def _try(self, action: Callable[[], Any]) -> Any:
        """Run an action on the store in a thread and return its value; if it fails, show a message and return None."""
        try:
            return await run.io_bound(action)
        except PlaygroundError as error:
            self._say_error(error)
            return None

    def _say_done(self, words: str, *, undo: bool = False) -> None:
        self._said.set_text(words)
        self._undo.set_visibility(undo)
        self._notice.set_visibility(True)

    def _say_error(self, error: PlaygroundError) -> None:
        self._messages.say(error)


class _Question:
    """A dialog that asks before an action that cannot be undone."""

    def __init__(self, title: str, detail: str, on_yes: Callable[[], object]) -> None:
        self._title, self._detail, self._on_yes = title, detail, on_yes
        self._dialog = asks(ui.dialog(), Asks.HOST)
        self._dialog.props["aria-label"] = title

    def ask(self) -> None:
        """Open the dialog."""
        if not self._dialog.default_slot.children:
            with self._dialog, ui.element("div").classes("card pad clean-up"):
                text(self._title, tag="h2")
                text(self._detail, "mute", tag="p")
                with ui.element("div").classes("clean-buttons"):
                    button("Cancel", self._dialog.close)
                    button("Delete for good", self._yes, classes="danger")
        self._dialog.open()

    def _yes(self) -> object:
        self._dialog.close()
        return self._on_yes()


def _named(names: Sequence[str], n_gone: int) -> str:
    """Return the name of a deleted item, or the number of several, and how many results were deleted with them."""
    if not names:  # results whose recording is gone already
        return counted(n_gone, "result")
    what = f"“{names[0]}”" if len(names) == 1 else counted(len(names), "item")
    return f"{what} with {counted(n_gone - len(names), 'result')}" if n_gone > len(names) else what


@dataclass(frozen=True, slots=True)
class _Details:
    """What unfolds below a result: its recipe, the figures of its report, and its download.

    Args:
        result: of which they are.
        recipe: its settings as YAML.
        has_picture: whether its recording has one, which can be downloaded with a sound.
        has_tags: whether there are any that downloads can carry.
    """

    result: Result
    recipe: str
    has_picture: bool
    has_tags: bool

    def shown(self, export: ExportChoice) -> dict[str, Any]:
        """Return it as the list shows it."""
        export = export if self.has_picture else export.without_picture()
        address, report = f"/media/{self.result.key}", self.result.report
        return {
            "recipe": self.recipe,
            "figures": list(rows_of(report).items()) if report else [],
            "fields": export.fields(has_picture=self.has_picture, has_tags=self.has_tags),
            "stems": f"{address}/all.zip?{urlencode(export.query)}",
            "report": f"{address}/report.yaml",
        }


def _details(library_view: LibraryView, key: str) -> _Details:
    """Read the details of a result; raises `StorageError` if there is none any more."""
    result, recording = library_view.result(key), None
    with suppress(StorageError, DamagedItem):  # a result outlives its recording
        recording = library_view.recording(result.recording)
    try:
        written = recipe.written(result.request)
    except PlaygroundError as error:
        written = f"# {error.message}"  # the settings of another version of this program
    tags = result.tags or (recording.tags if recording is not None else None)
    has_picture = recording is not None and recording.video is not None
    return _Details(result, written, has_picture=has_picture, has_tags=bool(tags))
