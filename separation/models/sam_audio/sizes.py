"""Which size of SAM-Audio suits a prompt, by Meta's own table of subjective scores, and which is here.

Its best scores: effects small (3.62), speech base (4.25), music large (4.22) and single instruments large (4.49).
Imports no framework.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from separation.models import folders
from separation.models.sam_audio import sources

BEST = {"effects": "small", "speech": "base", "music": "large"}
# After the best: the next larger one, then the next smaller; a model that was trained with video last.
ORDER = {
    "small": ("small", "base", "large", "small-tv", "base-tv", "large-tv"),
    "base": ("base", "large", "small", "base-tv", "large-tv", "small-tv"),
    "large": ("large", "base", "small", "large-tv", "base-tv", "small-tv"),
}
_SPEECH = re.compile(
    r"\b(speech|speak(ing|er|s)?|talk(ing|s)?|voices?|dialog(ue)?|narrat(ion|or|ing)|conversation|whisper(ing|s)?"
    r"|interview|presenter|announcer|podcast|commentary)\b"
)
_MUSIC = re.compile(
    r"\b(music|songs?|sing(ing|er|s)?|vocals?|choir|instruments?|instrumental|drums?|bass( guitar)?|guitars?|pianos?"
    r"|keyboards?|synth(esi[sz]er)?|organ|violins?|violas?|cellos?|double bass|strings?|orchestra|trumpets?|trombones?"
    r"|horns?|brass|saxophones?|sax|clarinets?|flutes?|oboes?|bassoons?|harps?|harmonica|accordion|banjo|ukulele|mandolin"
    r"|xylophone|marimba|percussion|cymbals?|snare|kick|hi-?hats?|melody|chords?|beat)\b"
)


def kind(prompt: str) -> str:
    """Return what a prompt asks for: "speech", "music" (an instrument too) or "effects"."""
    words = prompt.lower()
    if _MUSIC.search(words):  # “singing voice” is music
        return "music"
    return "speech" if _SPEECH.search(words) else "effects"


def best(prompts: Sequence[str]) -> str:
    """Return the best size for prompts: of the kind that most of them are, or of the first."""
    kinds = [kind(prompt) for prompt in prompts] or ["effects"]
    return BEST[max(kinds, key=kinds.count)]


def best_here(prompts: Sequence[str]) -> str | None:
    """Return the best published size for prompts whose own files are on this computer; None if none are."""
    places = sources.order()
    return next((model for model in ORDER[best(prompts)] if _is_here(model, places)), None)


def note(prompts: Sequence[str], model: str) -> str:
    """Return a sentence on the size that was taken for prompts, and the best one by Meta's table."""
    suits = best(prompts)
    words = next(kind for kind, size in BEST.items() if size == suits)
    if model.removesuffix("-tv") == suits:
        return f"Its size {model} is the best for {words} by Meta's own table"
    return f"By Meta's own table its size {suits} is the best for {words}; {model} is the best that is here"


def _is_here(model: str, places: Sequence[str]) -> bool:
    for place in places:
        if place == sources.FOLDER:
            named = folders.find_folder(model) or folders.find_folder(f"sam-audio-{model}")
            if named is not None and named.is_dir():
                return True
        elif model in sources.PUBLISHERS[place].sizes_gb and sources.files_here(sources.PUBLISHERS[place], model):
            return True
    return False
