"""Every control of the settings panel makes a difference: for each backend, at each of the settings below."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from separation import solvers
from separation.backends import demucs as demucs_backend
from separation.backends import registry
from separation.errors import SettingsError
from separation.request import (
    Anchor,
    ChunkSettings,
    DemucsSettings,
    Prompt,
    Request,
    RequestField,
    SamSettings,
    SolverSettings,
)
from separation.workflows import presets
from webapp.components.settings.settings import SettingField
from webapp.pages.studio.choice import choice_of
from webapp.pages.studio.settings_fields import changed, groups
from webapp.state.drafts import Draft

MARKED = (Prompt(text="drums", anchors=(Anchor(sign="+", start_s=1.0, stop_s=2.0),)), Prompt(text="bass"))
PLAIN = (Prompt(text="drums"),)
TRANSFORMERS = ("htdemucs", "htdemucs_ft", "htdemucs_6s")
WHOLE, APART = ChunkSettings(chunk_s=None), ChunkSettings(chunk_s=10.0, overlap_s=0.0)


def of(backend: str, prompts: tuple[Prompt, ...] = PLAIN, **settings: Any) -> Request:
    return Request(prompts=prompts, backend=backend, **settings)


CUT = ("builtin", "builtin-dsp", "sam_torch", "sam_mlx", "sam_official")
REQUESTS = [
    *(of(name, prompts) for name in registry.choices() for prompts in (PLAIN, MARKED)),
    *(of(name, chunks=chunks) for name in CUT for chunks in (WHOLE, APART)),
    of("sam_torch", MARKED, solver=SolverSettings(n_steps=1)),
    of("sam_torch", MARKED, chunks=ChunkSettings(stitch="multidiffusion")),
    of("sam_torch", chunks=ChunkSettings(chunk_s=None, stitch="multidiffusion")),
    of("sam_official", MARKED, chunks=ChunkSettings(stitch="multidiffusion"), sam=SamSettings(precision="int8")),
    *(
        of("demucs", model=model, demucs=DemucsSettings(split=split))
        for model in ("htdemucs", "mdx")
        for split in (0, 1)
    ),
    *(of("demucs", device=device) for device in ("cpu", "cuda", "mps")),
    of("demucs", demucs=DemucsSettings(shifts=2)),
]


@pytest.fixture(autouse=True)
def no_graphics_card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demucs_backend, "NVIDIA", tmp_path / "nvidia0")


def settled(request: Request) -> Request:
    return choice_of(Draft.of(request)).settled


def panel(request: Request) -> dict[str, SettingField]:
    return {field["name"]: field for group in groups(request, settled(request)) for field in group["fields"]}


def offered(field: SettingField) -> list[Any]:
    if field["kind"] == "switch":
        return [False, True]
    if field["kind"] != "number":
        return [option["value"] for option in field["options"] if not option.get("disabled")]
    kind = int if field["step"] == 1 else float
    return [kind(field["min"]), kind(field["max"]), *([None] if "placeholder" in field else [])]


def effect(request: Request) -> object:
    """What model and pipeline make of a settled request; two of the same sound the same and take the same time."""
    backend = registry.get(request.backend)
    parts: dict[str, Any] = {used.value: getattr(request, used.value) for used in backend.uses(request)}
    parts |= {"backend": request.backend, "model": request.model, "prompts": request.prompts}
    if request.chunks is not None and "chunks" in parts:
        cut = backend.layout(request).windowing
        joined = (cut.overlap, cut.overlap and cut.fade, request.chunks.stitch, request.chunks.max_chunks)
        parts["chunks"] = (cut.chunk, joined) if cut.chunk is not None else "all at once"
    if "solver" in parts:
        parts["solver"] = request.solver.method, solvers.times(request.solver.n_steps, request.solver.grid)
    if "demucs" in parts:
        parts["demucs"] = _of_demucs(request)
    if "sam" in parts and (backend.name != "sam_torch" or (request.chunks and request.chunks.stitch != "crossfade")):
        parts["sam"] = replace(request.sam, attention_caching=0.0)  # a solve in pieces, or of another network
    return {name: repr(part) for name, part in parts.items()}


def _of_demucs(request: Request) -> object:
    from separation.models.demucs.network import windowing_of

    longest_s = 7.8 if request.model in TRANSFORMERS else float("inf")
    bag = SimpleNamespace(max_allowed_segment=longest_s, samplerate=44_100, models=[SimpleNamespace(segment=7.8)])
    try:
        cut: object = windowing_of(bag, request.demucs)  # type: ignore[arg-type]  # all that it looks at of a bag
    except SettingsError as refusal:
        cut = str(refusal)
    return cut, request.demucs.shifts, request.device == "cuda" and request.demucs.mixed_precision


def named(request: Request) -> str:
    default = Request(prompts=PLAIN)
    others = [f"{one.name}={getattr(request, one.name)}" for one in fields(Request) if one.name != "prompts"]
    usual = [f"{one.name}={getattr(default, one.name)}" for one in fields(Request)]
    return ", ".join([f"{len(request.prompts)} prompts", *(word for word in others if word not in usual)])


@pytest.mark.parametrize("request_", REQUESTS, ids=named)
def test_every_control_that_can_be_used_makes_a_difference(request_: Request) -> None:
    shown = [field for field in panel(request_).values() if not field.get("disabled") and field["name"] != "backend"]
    known = settled(request_)
    if known.backend not in registry.BACKENDS:
        return  # nobody here serves it: the page shows the controls of one who might
    idle = []
    for field in shown:
        effects = []
        for value in offered(field):
            after = settled(changed(request_, known, field["name"], value))
            effects += [effect(after)] if effect(after) not in effects else []
        # Of a single chunk both stitches make the same, but other settings wait for one to leave multi-diffusion.
        if len(effects) < 2 and field["value"] != "multidiffusion":
            idle.append(field["name"])
    assert idle == []


@pytest.mark.parametrize("request_", [one for one in REQUESTS if one.backend in registry.BACKENDS], ids=named)
def test_what_is_left_out_makes_none(request_: Request) -> None:
    known = settled(request_)
    others = {"fade": "linear", "overlap_s": 1.5, "max_chunks": 3, "stitch": "multidiffusion", "grid": "sway"}
    others |= {
        "attention_caching": 0.1,
        "split": not known.demucs.split,
        "segment_s": 5.0,
        "overlap_ratio": 0.1,
        "mixed_precision": True,
    }
    for name in registry.get(known.backend).without_effect(known):
        part, item = name.split(".")
        other = replace(known, **{part: replace(getattr(known, part), **{item: others[item]})})
        assert other != known and effect(other) == effect(known), name


def test_the_settings_of_whoever_uses_them_are_all_shown_somewhere() -> None:
    shown = {name for request in REQUESTS for name in panel(request)}
    wanted = {f"{one.value}.{item}" for one in RequestField for item in _items(one.value)}
    assert wanted - shown == {"sam.rerolls", "demucs.folder"}


def _items(part: str) -> list[str]:
    value = getattr(Request(prompts=PLAIN, chunks=ChunkSettings()), part)
    return [one.name for one in fields(value)] if hasattr(value, "__dataclass_fields__") else []


@pytest.mark.parametrize("backend", ["auto", "builtin", "builtin-dsp"])
def test_presets_that_make_no_difference_are_not_shown(backend: str) -> None:
    request = of(backend)
    assert settled(request).backend in ("builtin", "builtin-dsp")
    assert "preset" not in panel(request)


@pytest.mark.parametrize("backend", ["demucs", "sam-audio", "sam_torch", "sam_mlx", "sam_official"])
def test_presets_that_differ_are(backend: str) -> None:
    options = panel(of(backend))["preset"]["options"]
    assert [option["value"] for option in options] == ["Preview", "Balanced", "Quality", "Custom"]


# Whom a preset is not about: who separates, where, from which noise, and what the same thing is called.
OF_NO_PRESET = ("preset", "backend", "device", "seed")


@pytest.mark.parametrize("name", ["Preview", "Balanced", "Quality"])
@pytest.mark.parametrize("backend", ["demucs", "sam_torch", "sam_official"])
def test_any_setting_that_differs_from_the_preset_is_custom(backend: str, name: str) -> None:
    request = of(backend, MARKED)
    request = changed(request, settled(request), "preset", name)
    assert panel(request)["preset"]["value"] == name
    made = {one: effect(settled(changed(request, settled(request), "preset", one))) for one in presets.GENERIC}
    for field in panel(request).values():
        for value in [] if field.get("disabled") or field["name"] in OF_NO_PRESET else offered(field):
            after = changed(request, settled(request), field["name"], value)
            alike = [one for one in made if made[one] == effect(settled(after))]
            if field["name"] == "model" and backend != "demucs":  # whose presets alone have models of their own
                alike = [name]
            assert panel(after)["preset"]["value"] in (alike or ["Custom"]), (field["name"], value)


@pytest.mark.parametrize("backend", ["demucs", "sam_torch"])
def test_choosing_a_preset_takes_everything_back_to_it(backend: str) -> None:
    request = of(backend, MARKED, solver=SolverSettings(n_steps=3), demucs=DemucsSettings(shifts=4, split=False))
    if backend != "demucs":
        request = replace(request, chunks=APART, sam=SamSettings(stereo="mono", match_gain=True))
    assert panel(request)["preset"]["value"] == "Custom"
    after = changed(request, settled(request), "preset", "Balanced")
    assert panel(after)["preset"]["value"] == "Balanced"
    assert (after.prompts, after.seed, after.device) == (request.prompts, request.seed, request.device)


def test_chunks_of_ones_own_stay_where_nobody_chose_a_preset() -> None:
    request = of("builtin", chunks=APART)
    after = changed(request, settled(request), "backend", "sam_torch")
    assert after.chunks == APART and panel(after)["preset"]["value"] == "Custom"


def test_settings_that_nobody_changed_are_balanced_wherever_one_goes() -> None:
    for backend in ("sam_torch", "demucs"):
        request = of("auto")
        assert panel(changed(request, settled(request), "backend", backend))["preset"]["value"] == "Balanced"
