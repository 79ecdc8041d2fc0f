"""What a settings panel makes of an entered value, and the sentences in which it says so."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from webapp.components.settings.settings import SettingField, SettingGroup


def put_right(field: SettingField, value: Any) -> tuple[Any, str]:
    """Return the value that a field takes for an entered one, and why it is another one in a sentence, else "".

    Only numbers are put right. A field that must not be empty, or gets no number, stays as it is.
    """
    if field["kind"] != "number" or (value is None and "placeholder" in field):
        return value, ""
    unit = f" {field['unit']}" if field.get("unit") else ""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        kept = field.get("placeholder", "") if field["value"] is None else _shown(field["value"]) + unit
        return field["value"], f"This has to be a number; still {kept}."
    low, high, whole = field.get("min", -math.inf), field.get("max", math.inf), field.get("step") == 1
    if value < low:
        right, why = low, f"At least {_shown(low)}{unit}"
    elif value > high:
        right, why = high, f"At most {_shown(high)}{unit}{', ' + field['limit'] if field.get('limit') else ''}"
    else:
        right, why = (math.floor(value + 0.5), "Whole numbers only") if whole else (value, "")
    said = "" if right == value else f"{why}; set to {_shown(right)}."
    return int(right) if whole else right, said


def set_along(before: Sequence[SettingGroup], after: Sequence[SettingGroup], unsaid: tuple[str, ...]) -> str:
    """Return a sentence on fields that are there before and after a change, with another value, or "".

    Args:
        before: the fields before the change.
        after: the fields after it.
        unsaid: the beginnings of names of fields to leave out.
    """
    old = {field["name"]: field["value"] for field in _fields(before)}
    others = [
        f"{field['label']} {_words(field)}"
        for field in _fields(after)
        if not field["name"].startswith(unsaid) and field["value"] != old.get(field["name"], field["value"])
    ]
    return f"Set along with it: {', '.join(others)}." if others else ""


def with_said(groups: Sequence[SettingGroup], name: str, said: str) -> list[SettingGroup]:
    """Return the groups with a sentence at the field of that name."""
    return [
        {**group, "fields": [{**field, "said": said} if field["name"] == name else field for field in group["fields"]]}
        for group in groups
    ]


def field_of(groups: Sequence[SettingGroup], name: str) -> SettingField | None:
    """Return the field of that name, or None."""
    return next((field for field in _fields(groups) if field["name"] == name), None)


def _fields(groups: Sequence[SettingGroup]) -> Iterator[SettingField]:
    return (field for group in groups for field in group["fields"])


def _words(field: SettingField) -> str:
    """Return the value of a field as it is shown."""
    value = field["value"]
    if value is None:
        return field.get("placeholder", "")
    if field["kind"] == "switch":
        return "on" if value else "off"
    if field["kind"] == "number":
        return f"{_shown(value)} {field.get('unit', '')}".strip()
    return next((option["label"] for option in field.get("options", []) if option["value"] == value), str(value))


def _shown(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)
