// The peaks of a track for drawing: int8 (min, max) pairs per 256 samples from the server, and coarser levels of them.

export const SAMPLES_PER_PEAK = 256;
const KEPT = 24; // pyramids in memory, so that switching recordings back and forth fetches nothing

/** Levels of (min, max) pairs; level k has one pair for 256 * 2^k samples. Appending updates all levels. */
export class Pyramid {
  constructor(total) {
    this.levels = []; // of Int8Array, min and max alternating
    for (let n = Math.ceil(total / SAMPLES_PER_PEAK); !this.levels.length || n > 256; n = Math.ceil(n / 2)) {
      this.levels.push(new Int8Array(2 * n));
    }
    this.n = 0; // number of pairs of the finest level that are here
    this.top = 0;
  }

  /** The largest absolute value so far, 0..1. */
  get peak() {
    return this.top / 127;
  }

  append(pairs) {
    const room = this.levels[0].length - 2 * this.n;
    if (pairs.length > room) pairs = pairs.subarray(0, room); // the server sent more than it had announced
    this.levels[0].set(pairs, 2 * this.n);
    this.top = pairs.reduce((most, value) => Math.max(most, Math.abs(value)), this.top);
    let first = this.n;
    let last = (this.n += pairs.length / 2);
    for (let k = 1; k < this.levels.length; k++) {
      const finer = this.levels[k - 1];
      const end = 2 * (last - 1); // the last pair; if their number is odd, it is merged with itself
      [first, last] = [first >> 1, (last + 1) >> 1];
      for (let i = first; i < last; i++) {
        const [a, b] = [4 * i, Math.min(4 * i + 2, end)];
        this.levels[k][2 * i] = Math.min(finer[a], finer[b]);
        this.levels[k][2 * i + 1] = Math.max(finer[a + 1], finer[b + 1]);
      }
    }
    return this;
  }

  /** Return the lowest and highest value, -1..1, over the samples [start, end); null beyond the end. */
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

const loaded = new Map(); // url -> {ready, total, promise of a Pyramid}, the least recently used first

/** Return a promise of the pyramid of a track; if the track has grown, only the new pairs are fetched. */
export function loadPyramid(track) {
  const ready = track.ready_samples ?? Infinity; // a complete track also has a last pair of fewer samples
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

/** Return whether the server says (by status 204) that the track was cancelled or deleted meanwhile. */
export function isGone(response) {
  return response.status === 204;
}

/** Put the prefix of a reverse proxy, if NiceGUI has one, before an absolute path. */
export function withPrefix(url) {
  return url.startsWith("/") ? (window.path_prefix ?? "") + url : url;
}
