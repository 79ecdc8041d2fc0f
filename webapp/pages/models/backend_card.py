"""A family of backends on the Models page: whether each can work, what its test found, and its models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from nicegui import ui

from separation.backends import registry
from separation.formatted import size
from separation.hub import compared
from separation.model import Backend, PublishedModel, Readiness
from webapp.access.handlers import asks
from webapp.access.routes import Asks
from webapp.components.pieces.actions import said_with
from webapp.pages.models.model_row import ModelRow
from webapp.pages.models.model_words import PILLS, lacking
from webapp.pages.models.survey import Survey
from webapp.state.downloads import Downloads
from webapp.state.hub_account import HubAccount
from webapp.theme import button, card, pill, text


class BackendCard:
    """The card of a family of backends, which share their models.

    Args:
        backends: the backends of the family.
        survey: the state of all models and backends.
        downloads, account: the downloads and the hub account of this server.
        say: called with a text that screen readers are to say.
        may_change: whether this page may fetch and remove models.
    """

    def __init__(
        self,
        backends: Sequence[Backend],
        survey: Survey,
        *,
        downloads: Downloads,
        account: HubAccount,
        say: Callable[[str], object],
        may_change: bool,
    ) -> None:
        self.rows: dict[str, ModelRow] = {}
        self._may_change = may_change
        entries = [entry for entry in survey.entries if registry.named(entry.backend) in backends]
        with card("backend-card") as surface:
            surface.props["aria-label"] = backends[0].label
            if len(backends) > 1:
                text(backends[0].label, tag="h2")
            self._ways = [_Way(backend, "h3" if len(backends) > 1 else "h2") for backend in backends]
            text(f"{backends[0].licence}.", "mute small licence", tag="p")
            for backend in backends:
                if backend.profile.model_card is not None:
                    tip = "What the network learned from, how good it is in figures, and what it cannot do"
                    card_button = button("Model card", partial(_show_model_card, backend), kind="quiet", tip=tip)
                    asks(card_button, Asks.SESSION)
            if entries:
                with ui.element("ul").classes("model-list").props('role=list aria-label="Models"'):
                    for entry in entries:
                        self.rows[entry.name] = ModelRow(
                            entry,
                            memory=survey.memory.get(entry.name, ""),
                            note=survey.notes.get(entry.name, ""),
                            downloads=downloads,
                            account=account,
                            say=say,
                            may_change=may_change,
                        )
        self.show(survey)

    def show(self, survey: Survey) -> None:
        """Redraw the card for what is on the disk now."""
        above = ""
        for way in self._ways:
            availability = survey.availability[way.backend.name]
            lacks = ""
            if availability.readiness is Readiness.NEEDS_WEIGHTS:
                entries = [entry for entry in survey.entries if entry.name in self.rows]
                lacks = lacking(entries, has_token=survey.token is not None, may_change=self._may_change)
            # The licence is said once for the whole card, and so is what several of its backends lack.
            sentence = availability.sentence.replace(f" {way.backend.licence}.", "")
            sentence = lacks or said_with(sentence, availability.action)
            repeated = sentence == above and not availability.usable
            way.show(availability.readiness, "It needs the same as the one above." if repeated else sentence)
            above = sentence
        for entry in survey.entries:
            if entry.name in self.rows:
                facts = _facts(entry, self._ways[0].backend, survey)
                self.rows[entry.name].show(entry, facts=facts, has_token=survey.token is not None)


class _Way:
    """One backend of the card: whether it can run, and what to do if not.

    Args:
        backend: the backend.
        tag: the tag of its heading.
    """

    def __init__(self, backend: Backend, tag: str) -> None:
        self.backend = backend
        with ui.element("div").classes("way"):
            with ui.element("div").classes("model-head"):
                text(backend.label, tag=tag)
                self._pill = pill("")
            self._sentence = text("", "small way-words", tag="p")

    def show(self, readiness: Readiness, sentence: str) -> None:
        words, kind = PILLS[readiness]
        self._pill.set_text(words)
        self._pill.classes(remove="ok warn bad", add=kind)
        self._sentence.set_text(sentence)


def _show_model_card(backend: Backend) -> None:
    assert backend.profile.model_card is not None
    with asks(ui.dialog(), Asks.SESSION) as dialog, ui.element("div").classes("card pad model-card"):
        dialog.props["aria-label"] = f"Model card of the {backend.label[0].lower()}{backend.label[1:]}"
        ui.markdown(backend.profile.model_card.read_text("utf-8"))
        button("Close", dialog.close)
    dialog.on("hide", dialog.delete)
    dialog.open()


def families() -> list[list[Backend]]:
    """Return the families of backends that share their models, those with models to fetch first."""
    groups: dict[str, list[Backend]] = {}
    for name, backend in registry.BACKENDS.items():
        groups.setdefault(backend.profile.family or name, []).append(backend)
    return list(groups.values())


def _facts(entry: PublishedModel, backend: Backend, survey: Survey) -> str:
    facts = [size(entry.size_bytes)]
    if entry.licence != backend.licence:  # said once for the whole card
        facts.append(entry.licence)
    if entry.gated:
        facts.append("access on request")
    needs = (one for one in survey.entries if one.name in entry.needs)
    facts += [f"needs {one.name} as well ({size(one.size_bytes)})" for one in needs]
    if entry.provenance:
        facts.append(f"{entry.provenance} ({entry.repository})")
    weights = [file for file in entry.files if file.suffix in (".pt", ".safetensors", ".th")]
    facts += [f"SHA-256 {digest[:12]}… of {file.name}" for file in weights if (digest := compared.checksum_of(file))]
    return " · ".join(facts)
