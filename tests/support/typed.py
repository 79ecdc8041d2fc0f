"""What a person would type into a terminal, as a pattern: pages say none of it."""

from __future__ import annotations

import re

TYPED = re.compile(
    r"pip install|audio-playground (?!\w+ is\b)[a-z]+|hf auth|“extract |--download"
    r"|(?<![\w-])--[a-z]+-[a-z-]*[a-z](?![a-z-]*[:)])"  # an option of two words, and no variable of a style sheet
)
