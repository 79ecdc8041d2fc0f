// Voice: one track in the audio graph. Pieces of sound -> fades at their edges -> the track's gain -> pan -> the bus.
import { GAIN_FLOOR_DB } from "./format.js";
import { framesWithin, laid } from "./tempo.js";
import { PcmCache } from "./pcm_cache.js";

export const FADE_S = 0.012; // length of the linear fades: short enough to feel instant, long enough not to click
const REMEMBERED = 256; // scheduled pieces that are kept for tests

export class Voice {
  constructor(track, onArrival) {
    this.track = track;
    this.pcm = new PcmCache(track, onArrival);
    this.mix = { muted: false, solo: false, gain_db: 0, pan: 0 };
    this.declared = {}; // the mix that its descriptor had last
    this.audible = 1; // the linear gain, 0 if the mixer silences it, below 0 if it is inverted
    this.node = null;
    this.pieces = []; // those that play or are scheduled
    this.scheduled = []; // {start_sample, when_frame, count, fade_in}, for tests
  }

  /** The number of samples that can be played now. */
  get ready() {
    return Math.min(this.track.ready_samples ?? this.track.n_samples, this.track.n_samples);
  }

  /** Take over a changed descriptor; the windows of audio that has only grown are kept. */
  update(track, onArrival) {
    if (track.url !== this.track.url || track.n_channels !== this.track.n_channels) {
      this.pcm.close();
      this.pcm = new PcmCache(track, onArrival);
    }
    this.track = this.pcm.track = track;
  }

  /** Return the gain node of this voice in `context`; it is made on first use. */
  output(context, bus) {
    if (this.node?.context !== context) {
      this.node = new GainNode(context, { gain: this.audible });
      this.node.connect(bus);
      this.panner = null;
      this.place(bus, this.mix.pan);
    }
    return this.node;
  }

  /** Move the sound to its pan; a new panner starts at `from`. While the pan has always been 0 there is no panner. */
  place(bus, from = 0) {
    if (!this.node || (!this.panner && !this.mix.pan)) return;
    if (!this.panner) {
      // Always two channels, so that a mono sound in the middle is as loud as without a panner.
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

  /** Add the channels of a stretch to `mono`; a silent voice counts with gain 0.001, for when no other has sound. */
  addTo(mono, window, { start }) {
    const gain = this.audible || 0.001;
    const offset = start % this.pcm.size;
    for (let channel = 0; channel < (window?.buffer?.numberOfChannels ?? 0); channel++) {
      const samples = window.buffer.getChannelData(channel);
      const count = Math.min(mono.length, samples.length - offset);
      for (let i = 0; i < count; i++) mono[i] += gain * samples[offset + i];
    }
  }

  /** Return how many frames of a stretch can be played now. */
  framesOf({ start, count, plan, frames }) {
    const there = Math.max(0, Math.min(count, this.ready - start));
    return Math.min(frames, plan ? framesWithin(plan, there) : there);
  }

  /** Schedule the frames [from, to) of a stretch, which lies in one window; `fadeIn` if they do not follow others. */
  schedule(context, bus, window, stretch, { from, to, fadeIn }) {
    const { start, plan } = stretch;
    const offset = start % this.pcm.size;
    const buffer = window?.buffer;
    const exact = plan && buffer ? laid(buffer, offset, plan, from, to) : cut(buffer, offset + from, to - from);
    if (!exact) return; // the server sent less than it announced, so there is silence
    const rate = this.track.sample_rate;
    const whenFrame = stretch.whenFrame + from;
    const when = whenFrame / rate; // whole frames, so that pieces follow each other exactly
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

  /** Fade out the pieces that play at `frame`, and stop those that would start later. */
  fadeOut(frame) {
    const at = frame / this.track.sample_rate;
    for (const piece of this.pieces) {
      const { source, edge, whenFrame, endFrame } = piece;
      if (endFrame <= frame || piece.fadesAt <= frame) continue; // it has ended or fades already
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

/** Return the linear gain of a level in dB; the lower end of a fader is silence. */
export function linear(db) {
  return db <= GAIN_FLOOR_DB ? 0 : 10 ** (db / 20);
}

/** Move an AudioParam to `value` by a linear ramp of `FADE_S` from its present value. */
function ramp(param, value, now) {
  param.cancelScheduledValues(now);
  param.setValueAtTime(param.value, now);
  param.linearRampToValueAtTime(value, now + FADE_S);
}

/** Return `count` frames of a buffer from `offset`, null for none; all of it is the buffer itself, without a copy. */
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
