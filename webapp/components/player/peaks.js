// Waveform pictures: int8 (min, max) pairs per 256 samples, and coarser levels made from them.

export const SAMPLES_PER_PEAK = 256;
const KEPT = 24; // pyramids remembered, so that switching recordings back and forth fetches nothing

/** Levels of (min, max) pairs; level k covers 256 * 2^k samples per pair. */
export class Pyramid {
  constructor(pairs) {
    this.levels = [pairs]; // Int8Array, min and max in turn
    while (this.levels.at(-1).length > 512) this.levels.push(halve(this.levels.at(-1)));
    this.peak = this.levels.at(-1).reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
  }

  /** Lowest and highest value, -1..1, over [start, end) samples; null beyond the end. */
  range(start, end) {
    const wanted = Math.log2(Math.max(1, (end - start) / SAMPLES_PER_PEAK));
    const level = Math.min(Math.floor(wanted), this.levels.length - 1);
    const pairs = this.levels[level];
    const size = SAMPLES_PER_PEAK * 2 ** level;
    const first = Math.max(0, Math.floor(start / size));
    const last = Math.min(pairs.length / 2, Math.max(first + 1, Math.ceil(end / size)));
    if (first >= last) return null;
    let low = 127;
    let high = -128;
    for (let i = first; i < last; i++) {
      low = Math.min(low, pairs[2 * i]);
      high = Math.max(high, pairs[2 * i + 1]);
    }
    return [low / 127, high / 127];
  }
}

function halve(pairs) {
  const n = Math.ceil(pairs.length / 4);
  const coarser = new Int8Array(2 * n);
  for (let i = 0; i < n; i++) {
    const a = 4 * i;
    const b = Math.min(a + 2, pairs.length - 2); // an odd last pair stands for itself
    coarser[2 * i] = Math.min(pairs[a], pairs[b]);
    coarser[2 * i + 1] = Math.max(pairs[a + 1], pairs[b + 1]);
  }
  return coarser;
}

const loaded = new Map(); // "url ready" -> promise of a Pyramid

/** The pyramid of a track; one that still grows is fetched again when more of it is ready. */
export function loadPyramid(track) {
  const key = `${track.url} ${track.ready_samples ?? "all"}`;
  if (!loaded.has(key)) {
    const promise = fetchPairs(track).then((pairs) => new Pyramid(pairs));
    promise.catch(() => loaded.delete(key)); // the next caller tries again
    loaded.set(key, promise);
    if (loaded.size > KEPT) loaded.delete(loaded.keys().next().value);
  }
  return loaded.get(key);
}

async function fetchPairs(track) {
  const growing = track.ready_samples !== undefined && track.ready_samples < track.n_samples;
  const response = await fetch(withPrefix(track.url) + "/peaks", { cache: growing ? "no-store" : "default" });
  if (!response.ok) {
    const what = `The waveform of ${track.name} could not be loaded (${response.status}).`;
    throw new Error(`${what} Reload the page to try again.`);
  }
  const bytes = await response.arrayBuffer();
  return new Int8Array(bytes, 0, bytes.byteLength - (bytes.byteLength % 2));
}

/** Our paths are absolute; behind a reverse proxy they need the prefix NiceGUI was given. */
export function withPrefix(url) {
  return url.startsWith("/") ? (window.path_prefix ?? "") + url : url;
}
