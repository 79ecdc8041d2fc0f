// Draws spectrograms: tiles of grey values from the server, coloured with a ramp that fits the scheme.
import { colorOf } from "./canvas.js";
import { isGone, withPrefix } from "./peaks.js";

const COLUMNS = 256; // columns of a tile; this and the next three as in separation/audio/spectrogram.py
const BANDS = 64;
const LOWEST_HZ = 50;
const HIGHEST_HZ = 16_000;
const KEPT = 96; // tiles in memory

const greys = new Map(); // address -> {tile: Uint8Array once it is here}, in order of last use

/** Draw the part of a track in `view`; `onTile` is called when a tile arrives, or with an Error when it cannot. */
export function drawSpectrogram(context, track, view, height, colors, onTile) {
  const level = Math.max(0, Math.min(16, Math.floor(Math.log2(view.samplesPerPixel / COLUMNS))));
  const span = COLUMNS * 2 ** level; // samples per column
  const shown = view.width * view.samplesPerPixel;
  const last = Math.min(track.n_samples, view.start + shown) / span / COLUMNS;
  for (let index = Math.max(0, Math.floor(view.start / span / COLUMNS)); index < last; index++) {
    const tile = tileOf(`${withPrefix(track.url)}/spectrogram/${level}/${index}`, onTile);
    if (!tile?.length) continue;
    const x = (index * COLUMNS * span - view.start) / view.samplesPerPixel;
    const columns = tile.length / BANDS;
    context.drawImage(painted(tile, colors), x, 0, (columns * span) / view.samplesPerPixel, height);
  }
  const top = Math.min(HIGHEST_HZ, track.sample_rate / 2);
  Object.assign(context, { font: "10px system-ui", lineWidth: 3, strokeStyle: colors.ground, fillStyle: colors.text });
  for (const [hz, words] of [[100, "100 Hz"], [1000, "1 kHz"], [8000, "8 kHz"]]) {
    const y = height * (1 - Math.log(hz / LOWEST_HZ) / Math.log(top / LOWEST_HZ));
    context.strokeText(words, 4, y + 3);
    context.fillText(words, 4, y + 3);
  }
}

/** Return {ground, text, ramp}: 256 RGBA colours from ground (silence) over `color` to that of text (full scale). */
export function spectrumColors(element, color) {
  const [ground, sound, text] = ["var(--panel)", color, "var(--text)"].map((css) => colorOf(element, css));
  const context = new OffscreenCanvas(256, 1).getContext("2d");
  const ramp = context.createLinearGradient(0, 0, 256, 0);
  for (const [at, stop] of [[0.2, ground], [0.72, sound], [0.95, text]]) ramp.addColorStop(at, stop);
  context.fillStyle = ramp;
  context.fillRect(0, 0, 256, 1);
  return { ground, text, ramp: new Uint32Array(context.getImageData(0, 0, 256, 1).data.buffer) };
}

/** Return the grey values at an address, or undefined while they are fetched. */
function tileOf(url, onTile) {
  const known = greys.get(url);
  greys.delete(url);
  greys.set(url, known ?? fetchTile(url, onTile));
  if (greys.size > KEPT) greys.delete(greys.keys().next().value);
  return known?.tile;
}

function fetchTile(url, onTile) {
  const entry = {};
  const arrive = async () => {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`The spectrogram cannot be had (${response.status}).`);
    if (isGone(response)) throw new Error("The spectrogram is no longer there.");
    entry.tile = new Uint8Array(await response.arrayBuffer());
    onTile();
  };
  arrive().catch((reason) => {
    greys.delete(url);
    onTile(reason);
  });
  return entry;
}

/** Return a tile as an image with one pixel for each band of a column. */
function painted(tile, { ramp }) {
  const columns = tile.length / BANDS;
  const canvas = new OffscreenCanvas(columns, BANDS);
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, BANDS);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < tile.length; i++) {
    pixels[(BANDS - 1 - (i % BANDS)) * columns + Math.floor(i / BANDS)] = ramp[tile[i]];
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
