"""A grid: a recipe with lists in it, which stands for every combination of its values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Annotated, Any

from separation import plain
from separation.backends import registry
from separation.errors import Action, PlaygroundError, SettingsError
from separation.request import Range, Request, RequestField

MOST_COMBINATIONS = 5000
LONGEST_NAME = 200  # characters
PASSAGE_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """What is separated of each recording.

    Args:
        start_s: where it begins.
        length_s: its length; None takes all that follows. A recording that ends earlier gives what it has.
    """

    start_s: float = 0.0
    length_s: Annotated[float | None, Range(1, 600, "s")] = PASSAGE_S

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and self.start_s >= 0):
            raise SettingsError(
                f"No passage begins at {self.start_s} s.", "", "Choose 0 s or later.", place=("start_s",)
            )
        if self.length_s is not None and not 1 <= self.length_s <= 600:
            raise SettingsError(
                f"A passage of {self.length_s} s cannot be compared.",
                "What is measured of it is held in memory.",
                "Choose a length between 1 and 600 s.",
                place=("length_s",),
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """What is compared, and how often each cell is timed.

    Args:
        settings: a request as plain values (`Request.to_dict`) in which any value may be a list: its alternatives.
            `prompts` is a list anyway; its alternatives are a list of lists. `cases` is a list of such tables, each of
            which is added to the others: settings that only go together, such as a separator and its models.
        name: for people.
        passage: of each recording.
        n_times: timed runs of each cell, after one that warms up.
        reference: settings that replace those of the first combination: the cell to which distances are measured.
            None without one.
    """

    settings: Mapping[str, Any]
    name: str = ""
    passage: Passage = Passage()
    n_times: int = 3
    reference: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.n_times <= 20:
            raise SettingsError(
                f"A setting cannot be timed {self.n_times} times.", "", "Choose 1 to 20.", place=("n_times",)
            )
        if len(self.name) > LONGEST_NAME:
            why = f"It has {len(self.name)} characters."
            raise SettingsError("The name is too long.", why, f"Use at most {LONGEST_NAME}.", place=("name",))

    def to_dict(self) -> dict[str, Any]:
        """Return the grid as plain values, as grid files and records hold it."""
        passage = {"start_s": self.passage.start_s, "length_s": self.passage.length_s}
        own = {"name": self.name, "passage": passage, "n_times": self.n_times}
        if self.reference is not None:
            own["reference"] = dict(self.reference)
        values: dict[str, Any] = plain.written({**own, **self.settings})
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Grid:
        """Return the grid that `to_dict` described.

        Raises:
            SettingsError: a name is unknown, a list is empty, or a value of the grid itself does not make sense; its
                `place` says where. Whether the settings make sense is for `expanded` to find out.
        """
        plain.check(values)
        written = plain.written(values)
        if not isinstance(written, dict):
            raise SettingsError("A grid is not a table of settings.", "", "Write it as name: value.")
        settings = {name: written.pop(name) for name in [*written] if name not in _OWN}
        reference = written.pop("reference", None)
        plain.check_names(Request, {name: value for name, value in settings.items() if name != "cases"})
        plain.check_names(Request, settings.get("cases", []), ("cases",))
        if reference is not None:
            if not isinstance(reference, dict):
                raise SettingsError(
                    "reference is not a table of settings.", "", "Write it as name: value.", place=("reference",)
                )
            plain.check_names(Request, reference, ("reference",))
        own = plain.built(_Own, written)
        grid = cls(settings=settings, reference=reference, name=own.name, passage=own.passage, n_times=own.n_times)
        for case in _cases(settings):
            tuple(_alternatives(case))  # refuses empty lists
        return grid


@dataclass(frozen=True, kw_only=True, slots=True)
class _Own:
    """What plain values say of the grid itself."""

    name: str = ""
    passage: Passage = Passage()
    n_times: int = 3


_OWN = {"name", "passage", "n_times", "reference"}


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """Combinations that cannot be computed, for one reason.

    Attributes:
        n_combinations: how many.
        why: in a sentence.
        example: the settings of the first, as plain values.
        action: what would make them possible; None if nothing does, or that is unknown.
    """

    n_combinations: int
    why: str
    example: Mapping[str, Any]
    action: Action | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LeftOut:
        """Return what `dataclasses.asdict` wrote, also before there were actions.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        return cls(**{**values, "action": Action.from_dict(values.get("action"))})


@dataclass(frozen=True, kw_only=True, slots=True)
class Expanded:
    """The combinations of a grid.

    Attributes:
        requests: settled and all different; the reference is among them if there is one.
        left_out: those that cannot be computed here.
        n_same: combinations that differ from another one only in what their separator ignores.
        reference: the settled reference; None without one, or if it cannot be computed, which `left_out` then says.
    """

    requests: tuple[Request, ...]
    left_out: tuple[LeftOut, ...]
    n_same: int
    reference: Request | None


def expanded(grid: Grid) -> Expanded:
    """Settle every combination of a grid; those that are invalid, or cannot run on this computer, are left out.

    Raises:
        SettingsError: there are more than `MOST_COMBINATIONS`, or none can be computed.
    """
    combinations = list(islice(_combinations(grid.settings), MOST_COMBINATIONS + 1))
    if len(combinations) > MOST_COMBINATIONS:
        raise SettingsError(
            f"The grid has more than {MOST_COMBINATIONS} combinations.",
            "Every list multiplies them.",
            "Take fewer values, or make several benchmarks.",
        )
    refused: dict[tuple[str, Action | None], list[Mapping[str, Any]]] = {}
    refusals: list[PlaygroundError] = []
    requests: dict[Request, None] = {}
    n_settled = 0
    for values in combinations:
        try:
            settled = _settled(values)
        except PlaygroundError as error:
            refused.setdefault((f"{error.what} {error.why}".strip(), error.action), []).append(values)
            refusals.append(error)
            continue
        n_settled += 1
        requests[settled] = None
    n_same = n_settled - len(requests)
    reference = None
    if grid.reference is not None:
        values = _merged(combinations[0], grid.reference)
        try:
            reference = _settled(values)
            requests[reference] = None
        except PlaygroundError as error:
            why = f"The reference: {error.what} {error.why}".strip()
            refused.setdefault((why, error.action), []).append(values)
    left_out = tuple(
        LeftOut(n_combinations=len(which), why=why, example=which[0], action=action)
        for (why, action), which in refused.items()
    )
    if not requests:
        raise SettingsError(
            "None of these settings can be computed here.",
            left_out[0].why,
            refusals[0].todo or ("" if refusals[0].action is not None else "Choose others."),
            place=getattr(refusals[0], "place", ()),
            action=refusals[0].action,
        )
    return Expanded(requests=tuple(requests), left_out=left_out, n_same=n_same, reference=reference)


def refuse_nonsense(grid: Grid) -> None:
    """Refuse a setting that no request has, or a value that it takes in no combination.

    What does not fit only in some of them is left out there, and so is what cannot be computed on this computer.

    Raises:
        SettingsError: there is one; its `place` leads to it in the grid as plain values.
    """
    if grid.reference is not None:
        try:
            _check_values(_merged(next(_combinations(grid.settings)), grid.reference))
        except SettingsError as error:
            if _value(grid.reference, error.place) is not None:  # and not what all combinations say
                error.place = ("reference", *error.place)
                raise
    seen, wrong = Counter[str](), dict[str, list[SettingsError]]()
    for values in islice(_combinations(grid.settings), MOST_COMBINATIONS):
        seen.update(f"{'.'.join(place)}={value!r}" for place, value in _leaves(values))
        try:
            _check_values(values)
        except SettingsError as error:
            place = tuple(step for step in error.place if isinstance(step, str))
            wrong.setdefault(f"{'.'.join(place)}={_value(values, place)!r}", []).append(error)
    for what, errors in wrong.items():
        if len(errors) >= seen.get(what, len(errors)):
            errors[0].place = _place_of(grid.settings, errors[0].place, what)
            raise errors[0]


def _check_values(values: Mapping[str, Any]) -> None:
    Request.from_dict(values)
    if (backend := values.get("backend", registry.AUTO)) not in registry.choices():
        known = ", ".join(registry.choices())
        raise SettingsError(f"There is no backend “{backend}”.", "", f"Choose one of: {known}.", place=("backend",))


def _leaves(values: Mapping[str, Any], place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in values.items():
        yield (*place, name), value
        if isinstance(value, Mapping):
            yield from _leaves(value, (*place, name))


def _value(values: Any, place: Iterable[str | int]) -> Any:
    """Return what lies at a place; None if nothing does."""
    for step in place:
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            return None
    return values


def _place_of(settings: Mapping[str, Any], place: tuple[str | int, ...], what: str) -> tuple[str | int, ...]:
    """Return where the value lies in a grid that a combination has at `place`: in a case, and in a list."""
    cases = settings.get("cases", [])
    for start in [(), *(("cases", index) for index in range(len(cases)))]:
        here = (*start, *place)
        found = _value(settings, here)
        if isinstance(found, list):
            for index, one in enumerate(found):
                if what.endswith(f"={one!r}"):
                    return (*here, index)
        if found is not None and what.endswith(f"={found!r}"):
            return here
    return place


def _settled(values: Mapping[str, Any]) -> Request:
    return registry.choose(Request.from_dict(_cut_as_it_can(values)))[0]


def _cut_as_it_can(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out how to cut for a separator that cuts in a way of its own, as others drop what they ignore."""
    backend = registry.named(str(values.get("backend", registry.AUTO)))
    if backend is None or "chunks" not in values:
        return values
    without = {name: value for name, value in values.items() if name != "chunks"}
    return values if RequestField.CHUNKS in backend.uses(Request.from_dict(without)) else without


def _combinations(settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a request's plain values for each combination; the last list varies first."""
    for case in _cases(settings):
        places = list(_alternatives(case))
        for values in product(*(choices for _, choices in places)):
            combination: dict[str, Any] = {}
            for (place, _), value in zip(places, values, strict=True):
                table = combination
                for name in place[:-1]:
                    table = table.setdefault(name, {})
                table[place[-1]] = value
            yield combination


def _cases(settings: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the settings of each case; all of them if there are no cases."""
    common = {name: value for name, value in settings.items() if name != "cases"}
    cases = settings.get("cases", [{}])
    if not isinstance(cases, list) or not cases:
        raise SettingsError("“cases” is no list.", "", "Write “- setting: value” below it.", place=("cases",))
    for index, case in enumerate(cases):
        if not isinstance(case, Mapping):
            raise SettingsError(
                "A case is no table of settings.", "", "Write “- setting: value”.", place=("cases", index)
            )
        yield _merged(common, case)


def _alternatives(
    settings: Mapping[str, Any], place: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Yield the place of each value with its alternatives."""
    for name, value in settings.items():
        here = (*place, name)
        if isinstance(value, Mapping) and value:
            yield from _alternatives(value, here)
        elif name in ("prompts", "rerolls"):
            many = isinstance(value, list) and value and all(isinstance(one, list) for one in value)
            yield here, value if many else [value]
        elif isinstance(value, list):
            if not value:
                raise SettingsError(
                    f"{'.'.join(here)} has no values.", "", "Write at least one, or leave it out.", place=here
                )
            yield here, value
        else:
            yield here, [value]


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested values with some of them replaced."""
    merged = dict(values)
    for name, value in changes.items():
        before = merged.get(name)
        merged[name] = _merged(before, value) if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return merged
