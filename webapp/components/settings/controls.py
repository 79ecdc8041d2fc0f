"""Functions that describe one control of the settings panel each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from webapp.components.settings.settings import SettingField, SettingGroup, SettingOption

Value = TypeVar("Value", str, "float | None")


def fold(title: str, fields: list[SettingField], *digest: str) -> SettingGroup:
    """Return a folded group; the digest summarises what is in it."""
    return {"title": title, "fold": True, "digest": ", ".join(filter(None, digest)), "fields": fields}


def choice(
    name: str, label: str, value: str, options: list[SettingOption], *, tip: str = "", spoken: str = ""
) -> SettingField:
    """Return a field that shows a few values side by side."""
    return SettingField(name=name, kind="choice", label=label, spoken=spoken, value=value, options=options, tip=tip)


def select(name: str, label: str, value: str, labels: Mapping[str, str], tip: str, *, spoken: str = "") -> SettingField:
    """Return a field that shows values in a list; the values have labels."""
    field = SettingField(name=name, kind="select", label=label, value=value, options=options(labels), tip=tip)
    if spoken:
        field["spoken"] = spoken
    return field


def slider(name: str, label: str, value: float | None, labels: Mapping[float | None, str], tip: str) -> SettingField:
    """Return a slider that rests at a few values, from the left to the right; what it is set to is one of them."""
    return SettingField(name=name, kind="slider", label=label, value=value, options=options(labels), tip=tip)


def switch(name: str, label: str, value: bool, tip: str, *, disabled: bool = False) -> SettingField:
    """Return a field that is on or off."""
    return SettingField(name=name, kind="switch", label=label, value=value, tip=tip, disabled=disabled)


def number(
    name: str,
    label: str,
    value: float | None,
    span: tuple[float, float, float],
    tip: str,
    *,
    limit: str = "",
    unit: str = "",
    empty: str = "",
) -> SettingField:
    """Return a field for a number of `span` (lowest, highest, step).

    `limit` says what its highest value is, and `empty` what an empty field means.
    """
    low, high, step = span
    field = SettingField(
        name=name, kind="number", label=label, value=value, min=low, max=high, step=step, unit=unit, tip=tip
    )
    if empty:
        field["placeholder"] = empty
    if limit:
        field["limit"] = limit
    return field


def options(
    labels: Mapping[Value, str], tips: Mapping[Value, str] | None = None, *, disabled: Iterable[Value] = ()
) -> list[SettingOption]:
    """Return the options of a field: values with their labels and tooltips; disabled ones cannot be chosen now."""
    out: list[SettingOption] = []
    blocked = set(disabled)
    for value, label in labels.items():
        option: SettingOption = {"value": value, "label": label}
        if tips and (tip := tips.get(value)):
            option["tip"] = tip
        if value in blocked:
            option["disabled"] = True
        out.append(option)
    return out
