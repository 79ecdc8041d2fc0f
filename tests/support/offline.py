"""What a page's player would send to the sound card, as samples: `offline.js`, which people's browsers never load."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
from selenium.webdriver import Chrome

MODULE = Path(__file__).with_suffix(".js")
# The module's imports become those of the page: what is heard is played by the code that is tested.
RENDER = """
const [source, start, count, fadeIn, done] = arguments;
const map = JSON.parse(document.querySelector("script[type=importmap]").textContent);
const player = new URL(map.imports["audio-playground-player"], location.href);
const absolute = source.replaceAll(/from "(.*)"/g, (_, path) => `from "${new URL(path, player)}"`);
const base64 = (samples) => {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
};
import(URL.createObjectURL(new Blob([absolute], { type: "text/javascript" })))
  .then((module) => module.renderOffline(audioPlayground.player, start, count, fadeIn))
  .then((channels) => done(channels.map(base64)));
"""


def rendered(page: Chrome, start: int, count: int, *, fade_in: bool = False) -> np.ndarray:
    """`count` frames from sample `start` as the player's schedule gives them, (channels, samples) float32."""
    channels = page.execute_async_script(RENDER, MODULE.read_text(encoding="utf-8"), start, count, fade_in)
    return np.stack([np.frombuffer(base64.b64decode(channel), "<f4") for channel in channels])
