// Samples of one track, fetched in windows of two seconds. Only a few are held, so hours cost what seconds cost.
import { isGone, withPrefix } from "./peaks.js";

export const WINDOW_S = 2;
const KEPT = 10; // windows per track: what is scheduled, what is ahead, and a little behind for short loops
const TIMEOUT_MS = 20_000;
const RETRY_MS = [250, 500, 1000, 2000, 4000]; // the last one repeats until the network is back

export class PcmCache {
  /** `onArrival` is called whenever a window has come, or has failed for good. */
  constructor(track, onArrival) {
    this.track = track;
    this.onArrival = onArrival;
    this.size = WINDOW_S * track.sample_rate;
    this.held = new Map(); // index -> {buffer, asked}; in order of last use
    this.pending = new Map(); // index -> {controller, done}
    this.failure = ""; // why this track can never be played, in words
  }

  /** Window `index` as {buffer} if its first `needed` frames have come, else undefined. */
  get(index, needed) {
    const entry = this.held.get(index);
    if (!entry || entry.asked < needed) return undefined;
    this.held.delete(index);
    this.held.set(index, entry); // now the most recently used
    return entry;
  }

  /** See that window `index` is here or on its way, with all frames below `limit` (a sample position). */
  want(index, limit) {
    const count = Math.min(this.size, limit - index * this.size);
    if (this.failure || count <= 0 || this.pending.has(index)) return;
    if ((this.held.get(index)?.asked ?? 0) >= count) return;
    const controller = new AbortController();
    const done = this.fetch(index, count, controller.signal).finally(() => {
      if (this.pending.get(index)?.controller === controller) this.pending.delete(index);
      this.onArrival();
    });
    this.pending.set(index, { controller, done });
  }

  /** `want`, awaited: the entry of window `index`, or undefined when it cannot be had. */
  async load(index, limit) {
    this.want(index, limit);
    await this.pending.get(index)?.done;
    return this.held.get(index);
  }

  /** Give up fetches outside `indices`: after a seek the line should be free for what is heard next. */
  keepOnly(indices) {
    for (const index of [...this.pending.keys()]) if (!indices.has(index)) this.abort(index);
  }

  close() {
    for (const index of [...this.pending.keys()]) this.abort(index);
    this.held.clear();
  }

  abort(index) {
    const { controller } = this.pending.get(index);
    this.pending.delete(index);
    controller.abort();
  }

  async fetch(index, count, signal) {
    const url = `${withPrefix(this.track.url)}/pcm?start=${index * this.size}&count=${count}`;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
        if (response.ok && !isGone(response)) return this.hold(index, count, await response.arrayBuffer());
        if (response.status < 500 && response.status !== 429 && response.status !== 408) {
          this.failure = `The audio of ${this.track.name} is no longer there. Reload the page to see what is.`;
          return;
        }
      } catch (reason) {
        if (signal.aborted) return; // asked for by `keepOnly` or `close`
        console.info(`audio window ${index} of ${this.track.name}: ${reason.message}; trying again`);
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]));
    }
  }

  hold(index, asked, bytes) {
    this.held.delete(index);
    this.held.set(index, { asked, buffer: toAudioBuffer(bytes, this.track) });
    while (this.held.size > KEPT) this.held.delete(this.held.keys().next().value);
  }
}

/** Interleaved little-endian float32 bytes to an AudioBuffer; null when there is not one whole frame. */
function toAudioBuffer(bytes, { n_channels, sample_rate }) {
  const frames = Math.floor(bytes.byteLength / 4 / n_channels);
  if (!frames) return null;
  const interleaved = new Float32Array(bytes, 0, frames * n_channels); // every browser we know is little-endian
  const buffer = new AudioBuffer({ length: frames, numberOfChannels: n_channels, sampleRate: sample_rate });
  for (let channel = 0; channel < n_channels; channel++) {
    const samples = buffer.getChannelData(channel);
    for (let i = 0; i < frames; i++) samples[i] = interleaved[i * n_channels + channel];
  }
  return buffer;
}
