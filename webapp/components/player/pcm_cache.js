// PcmCache: fetches the samples of one track in windows of two seconds and holds only a few of them, so that memory
// does not grow with the recording.
import { isGone, withPrefix } from "./peaks.js";

export const WINDOW_S = 2;
const KEPT = 10; // windows per track: those scheduled, those prefetched, and a few already played, for short loops
const TIMEOUT_MS = 20_000;
const RETRY_MS = [250, 500, 1000, 2000, 4000]; // waits before each new try; the last repeats until the network is back

export class PcmCache {
  /** `onArrival` is called whenever a window has arrived or has failed for good. */
  constructor(track, onArrival) {
    this.track = track;
    this.onArrival = onArrival;
    this.size = WINDOW_S * track.sample_rate;
    this.held = new Map(); // index -> {buffer, asked}, in order of last use; `asked` is the number of frames requested
    this.pending = new Map(); // index -> {controller, done}
    this.failure = ""; // a sentence that says why this track cannot be played any more, or ""
  }

  /** Return window `index` as {buffer, asked} if its first `needed` frames are here, else undefined. */
  get(index, needed) {
    const entry = this.held.get(index);
    if (!entry || entry.asked < needed) return undefined;
    this.held.delete(index);
    this.held.set(index, entry); // inserted anew, so that it is the most recently used
    return entry;
  }

  /** Fetch window `index`, with all its frames before the sample `limit`, unless it is here or on its way. */
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

  /** Fetch window `index` and return its entry, or undefined if it cannot be fetched. */
  async load(index, limit) {
    this.want(index, limit);
    await this.pending.get(index)?.done;
    return this.held.get(index);
  }

  /** Abort the fetches of all windows except `indices`: after a seek, others would delay those that are heard next. */
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
        if (signal.aborted) return; // `keepOnly` or `close` aborted it
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

/** Make an AudioBuffer of interleaved little-endian float32 bytes; null if there is not one whole frame. */
function toAudioBuffer(bytes, { n_channels, sample_rate }) {
  const frames = Math.floor(bytes.byteLength / 4 / n_channels);
  if (!frames) return null;
  const interleaved = new Float32Array(bytes, 0, frames * n_channels); // browsers run on little-endian computers
  const buffer = new AudioBuffer({ length: frames, numberOfChannels: n_channels, sampleRate: sample_rate });
  for (let channel = 0; channel < n_channels; channel++) {
    const samples = buffer.getChannelData(channel);
    for (let i = 0; i < frames; i++) samples[i] = interleaved[i * n_channels + channel];
  }
  return buffer;
}
