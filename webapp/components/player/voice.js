// One track as the audio graph sees it: pieces of sound -> their edges -> the track's gain -> the bus.
import { GAIN_FLOOR_DB } from "./format.js";
import { framesWithin, laid } from "./tempo.js";
import { PcmCache } from "./pcm_cache.js";

export const FADE_S = 0.012; // linear ramps of 12 ms: short enough to feel instant, long enough not to click
const REMEMBERED = 256; // scheduled pieces kept for inspection

export class Voice {
  constructor(track, onArrival) {
    this.track = track;
    this.pcm = new PcmCache(track, onArrival);
    this.mix = { muted: false, solo: false, gain_db: 0, pan: 0 };
    this.declared = {}; // the mix its descriptor last asked for
    this.audible = 1; // linear gain the mixer wants
    this.node = null;
    this.pieces = []; // sounding or about to
    this.scheduled = []; // {start_sample, when_frame, count, fade_in}, for tests
  }

  /** Samples that may be played now. */
  get ready() {
    return Math.min(this.track.ready_samples ?? this.track.n_samples, this.track.n_samples);
  }

  /** Take over a changed descriptor; the same audio grown keeps its windows. */
  update(track, onArrival) {
    if (track.url !== this.track.url || track.n_channels !== this.track.n_channels) {
      this.pcm.close();
      this.pcm = new PcmCache(track, onArrival);
    }
    this.track = this.pcm.track = track;
  }

  /** The gain node of this voice in `context`, made on first use. */
  output(context, bus) {
    if (this.node?.context !== context) {
      this.node = new GainNode(context, { gain: this.audible });
      this.node.connect(bus);
      this.panner = null;
      this.place(bus, this.mix.pan);
    }
    return this.node;
  }

  /** Bring the sound to its place, `from` where it is if that is not known; one in the middle, and it never was elsewhere, goes past the panner untouched. */
  place(bus, from = 0) {
    if (!this.node || (!this.panner && !this.mix.pan)) return;
    if (!this.panner) {
      // Two channels always, so that the middle of a mono sound is as loud as without a panner.
      this.panner = new StereoPannerNode(this.node.context, {
        pan: from,
        channelCount: 2,
        channelCountMode: "explicit",
      });
      this.node.disconnect();
      this.node.connect(this.panner).connect(bus);
    }
    ramp(this.panner.pan, this.mix.pan, this.node.context.currentTime);
  }

  setAudible(gain) {
    this.audible = gain;
    if (this.node) ramp(this.node.gain, gain, this.node.context.currentTime);
  }

  /** Add the sound of a stretch, both channels as one, to `mono`; what is not heard counts where nothing is. */
  addTo(mono, window, { start }) {
    const gain = Math.max(this.audible, 0.001);
    const offset = start % this.pcm.size;
    for (let channel = 0; channel < (window?.buffer?.numberOfChannels ?? 0); channel++) {
      const samples = window.buffer.getChannelData(channel);
      const count = Math.min(mono.length, samples.length - offset);
      for (let i = 0; i < count; i++) mono[i] += gain * samples[offset + i];
    }
  }

  /** Frames of a stretch that can be heard of it now. */
  framesOf({ start, count, plan, frames }) {
    const there = Math.max(0, Math.min(count, this.ready - start));
    return Math.min(frames, plan ? framesWithin(plan, there) : there);
  }

  /** Start frames [from, to) of a stretch, which lies in one window; `fadeIn` for sound that begins mid-way. */
  schedule(context, bus, window, stretch, { from, to, fadeIn }) {
    const { start, plan } = stretch;
    const offset = start % this.pcm.size;
    const buffer = window?.buffer;
    const exact = plan && buffer ? laid(buffer, offset, plan, from, to) : cut(buffer, offset + from, to - from);
    if (!exact) return; // the server had less than it promised: silence
    const rate = this.track.sample_rate;
    const whenFrame = stretch.whenFrame + from;
    const when = whenFrame / rate; // whole frames: neighbours abut exactly
    const source = new AudioBufferSourceNode(context, { buffer: exact });
    const edge = new GainNode(context);
    if (fadeIn) {
      edge.gain.setValueAtTime(0, when);
      edge.gain.linearRampToValueAtTime(1, when + FADE_S);
    }
    source.connect(edge).connect(this.output(context, bus));
    const piece = { source, edge, whenFrame, endFrame: whenFrame + exact.length, fadesAt: Infinity };
    source.onended = () => {
      edge.disconnect();
      this.pieces = this.pieces.filter((other) => other !== piece);
    };
    source.start(when);
    this.pieces.push(piece);
    const start_sample = start + Math.round(from * (stretch.count / stretch.frames));
    this.scheduled.push({ start_sample, when_frame: whenFrame, count: exact.length, fade_in: fadeIn });
    if (this.scheduled.length > REMEMBERED) this.scheduled.shift();
  }

  /** Fade out whatever sounds at `frame`, and drop what would come after it. */
  fadeOut(frame) {
    const at = frame / this.track.sample_rate;
    for (const piece of this.pieces) {
      const { source, edge, whenFrame, endFrame } = piece;
      if (endFrame <= frame || piece.fadesAt <= frame) continue; // over, or on its way out
      piece.fadesAt = frame;
      if (whenFrame >= frame) {
        source.stop();
        edge.disconnect();
        continue;
      }
      edge.gain.cancelScheduledValues(at);
      edge.gain.setValueAtTime(1, at);
      edge.gain.linearRampToValueAtTime(0, at + FADE_S);
      source.stop(at + FADE_S);
    }
    this.pieces = this.pieces.filter((piece) => piece.whenFrame < frame);
  }

  close(frame) {
    this.fadeOut(frame);
    this.pcm.close();
    const node = this.node;
    if (node) setTimeout(() => node.disconnect(), 1000 * FADE_S * 4);
  }
}

/** dB to linear; the floor of a fader is silence. */
export function linear(db) {
  return db <= GAIN_FLOOR_DB ? 0 : 10 ** (db / 20);
}

/** A short linear ramp from where the parameter is. */
function ramp(param, value, now) {
  param.cancelScheduledValues(now);
  param.setValueAtTime(param.value, now);
  param.linearRampToValueAtTime(value, now + FADE_S);
}

/** `count` frames of a buffer from `offset`; the buffer itself when that is all of it, so nothing is copied. */
function cut(buffer, offset, count) {
  const length = Math.min(count, (buffer?.length ?? 0) - offset);
  if (length <= 0) return null;
  if (offset === 0 && length === buffer.length) return buffer;
  const part = new AudioBuffer({ length, numberOfChannels: buffer.numberOfChannels, sampleRate: buffer.sampleRate });
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    part.copyToChannel(buffer.getChannelData(channel).subarray(offset, offset + length), channel);
  }
  return part;
}
