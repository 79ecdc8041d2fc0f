"""Audio in, stems out: `separate` as a stream of events, `extract` in one call.

    import separation

    mixture = separation.decode("song.mp3").waveform
    stems = separation.extract(mixture, separation.Request.of("drums", "vocals"))

Importing this package imports neither torch nor any other framework; a backend brings its own when it is loaded.
"""

from separation.audio import AudioSource, Waveform
from separation.decode import decode
from separation.encode import encode
from separation.errors import PlaygroundError
from separation.pipeline import extract, separate
from separation.request import Anchor, ChunkSettings, DemucsSettings, Prompt, Request, SolverSettings

__version__ = "0.1.0"
__all__ = [
    "Anchor",
    "AudioSource",
    "ChunkSettings",
    "DemucsSettings",
    "PlaygroundError",
    "Prompt",
    "Request",
    "SolverSettings",
    "Waveform",
    "decode",
    "encode",
    "extract",
    "separate",
]
