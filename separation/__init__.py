"""Audio in, stems out: `separate` as a stream of events, `extract` in one call.

    import separation

    mixture = separation.decode("song.mp3").waveform
    stems = separation.extract(mixture, separation.Request.of("drums", "vocals"))

Importing this package imports no framework and not even NumPy: each name below is fetched when it is first used, so
that help and the lookup of a kept result are instant. A backend brings its own framework when it is loaded.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from separation.audio.decode import decode
    from separation.audio.encode import encode
    from separation.audio.waveform import AudioSource, Waveform
    from separation.errors import PlaygroundError
    from separation.pipeline.separate import extract, separate
    from separation.request import (
        Anchor,
        ChunkSettings,
        DemucsSettings,
        Prompt,
        Request,
        Reroll,
        SamSettings,
        SolverSettings,
    )

__version__ = "0.1.0"
__all__ = [
    "Anchor",
    "AudioSource",
    "ChunkSettings",
    "DemucsSettings",
    "PlaygroundError",
    "Prompt",
    "Request",
    "Reroll",
    "SamSettings",
    "SolverSettings",
    "Waveform",
    "decode",
    "encode",
    "extract",
    "separate",
]

_HOMES = {
    "audio.waveform": ("AudioSource", "Waveform"),
    "audio.decode": ("decode",),
    "audio.encode": ("encode",),
    "errors": ("PlaygroundError",),
    "pipeline.separate": ("extract", "separate"),
    "request": (
        "Anchor",
        "ChunkSettings",
        "DemucsSettings",
        "Prompt",
        "Request",
        "Reroll",
        "SamSettings",
        "SolverSettings",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


class _Package(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name not in _HOME_OF:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{self.__name__}.{_HOME_OF[name]}"), name)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        # Python sets a submodule as an attribute when it is imported; `decode` and `encode` name a function as well,
        # and the function is what `separation.decode` means.
        if name in _HOME_OF and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
