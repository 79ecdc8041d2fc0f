"""The charts of a benchmark as plotly figures, which are plain dicts: of one track and one measure of quality.

Each takes several sets of rows, such as those of past benchmarks, and gives each set its own marker. A point carries
`customdata` [id of the setting, key of the song or ""], and its trace `meta` {"set": number of the set}. A figure has a
fixed size, for which the places of its labels are computed; draw it anew where the room changes.
"""

from separation.benchmark.drawing.error_chart import error_against_nfe
from separation.benchmark.drawing.look import DARK, LIGHT, Look
from separation.benchmark.drawing.plotting import Figure
from separation.benchmark.drawing.row_charts import memory_bars, per_song_spread
from separation.benchmark.drawing.rows import Sets
from separation.benchmark.drawing.time_chart import quality_against_time

__all__ = [
    "DARK",
    "LIGHT",
    "Figure",
    "Look",
    "Sets",
    "error_against_nfe",
    "memory_bars",
    "per_song_spread",
    "quality_against_time",
]
