// Waveform pictures: int8 (min, max) pairs per 256 samples, and coarser levels made from them.

export const SAMPLES_PER_PEAK = 256;
const KEPT = 24; // pyramids remembered, so that switching recordings back and forth fetches nothing

/** Levels of (min, max) pairs; level k covers 256 * 2^k samples per pair. What is appended shows in all of them. */
export class Pyramid {
  constructor(total) {
    this.levels = []; // Int8Array, min and max in turn
    for (let n = Math.ceil(total / SAMPLES_PER_PEAK); !this.levels.length || n > 256; n = Math.ceil(n / 2)) {
      this.levels.push(new Int8Array(2 * n));
    }
    this.n = 0; // pairs of the finest level that are here
    this.top = 0;
  }

  /** The largest value so far, 0..1. */
  get peak() {
    return this.top / 127;
  }

  append(pairs) {
    const room = this.levels[0].length - 2 * this.n;
    if (pairs.length > room) pairs = pairs.subarray(0, room); // more than was announced
    this.levels[0].set(pairs, 2 * this.n);
    this.top = pairs.reduce((most, value) => Math.max(most, Math.abs(value)), this.top);
    let first = this.n;
    let last = (this.n += pairs.length / 2);
    for (let k = 1; k < this.levels.length; k++) {
      const finer = this.levels[k - 1];
      const end = 2 * (last - 1); // an odd last pair stands for itself
      [first, last] = [first >> 1, (last + 1) >> 1];
      for (let i = first; i < last; i++) {
        const [a, b] = [4 * i, Math.min(4 * i + 2, end)];
        this.levels[k][2 * i] = Math.min(finer[a], finer[b]);
        this.levels[k][2 * i + 1] = Math.max(finer[a + 1], finer[b + 1]);
      }
    }
    return this;
  }

  /** Lowest and highest value, -1..1, over [start, end) samples; null beyond the end. */
  range(start, end) {
    const wanted = Math.log2(Math.max(1, (end - start) / SAMPLES_PER_PEAK));
    const level = Math.min(Math.floor(wanted), this.levels.length - 1);
    const pairs = this.levels[level];
    const size = SAMPLES_PER_PEAK * 2 ** level;
    const first = Math.max(0, Math.floor(start / size));
    const last = Math.min(Math.ceil(this.n / 2 ** level), Math.max(first + 1, Math.ceil(end / size)));
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

const loaded = new Map(); // url -> {ready, promise of a Pyramid}, the least recently wanted first

/** The pyramid of a track; of one that has grown only what is new is fetched. */
export function loadPyramid(track) {
  const ready = track.ready_samples ?? Infinity; // the last pair, of fewer samples, comes when all is there
  let entry = loaded.get(track.url);
  loaded.delete(track.url);
  if (!entry || entry.total !== track.n_samples) entry = { ready: -1, total: track.n_samples, promise: null };
  loaded.set(track.url, entry);
  if (loaded.size > KEPT) loaded.delete(loaded.keys().next().value);
  if (entry.ready < ready) {
    entry.ready = ready;
    const before = entry.promise ?? Promise.resolve(new Pyramid(track.n_samples));
    entry.promise = before.then(async (pyramid) => pyramid.append(await fetchPairs(track, pyramid.n)));
    entry.promise.catch(() => loaded.delete(track.url)); // the next caller tries again
  }
  return entry.promise;
}

async function fetchPairs(track, start) {
  const growing = track.ready_samples !== undefined && track.ready_samples < track.n_samples;
  const from = start ? `?start=${start}` : "";
  const response = await fetch(`${withPrefix(track.url)}/peaks${from}`, { cache: growing ? "no-store" : "default" });
  if (!response.ok) {
    const what = `The waveform of ${track.name} could not be loaded (${response.status}).`;
    throw new Error(`${what} Reload the page to try again.`);
  }
  if (isGone(response)) throw new Error(`The waveform of ${track.name} is no longer there.`);
  const bytes = await response.arrayBuffer();
  return new Int8Array(bytes, 0, bytes.byteLength - (bytes.byteLength % 2));
}

/** Whether what was asked for has been cancelled or deleted since the page was told of it. */
export function isGone(response) {
  return response.status === 204;
}

/** Our paths are absolute; behind a reverse proxy they need the prefix NiceGUI was given. */
export function withPrefix(url) {
  return url.startsWith("/") ? (window.path_prefix ?? "") + url : url;
}
