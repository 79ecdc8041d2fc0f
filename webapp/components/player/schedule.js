// The clockwork: which samples start at which frame of the audio clock.
//
// The course of a recording is cut into stretches (walk.js). A stretch starts all tracks at one context frame, exactly
// where the stretch before it ended. If samples are late nothing starts: playback waits for every track, then goes on
// in sync. Tracks that join or grow meanwhile are filled into stretches already under way.
import { planTempo } from "./tempo.js";
import { FADE_S } from "./voice.js";
import { stretch, windowsAhead } from "./walk.js";
import { WINDOW_S } from "./pcm_cache.js";

const HORIZON_S = 4; // scheduled ahead: background tabs wake only once a second
const PREFETCH_S = 8;
const LEAD_S = 0.05; // from "now" to a start the audio thread is sure to meet
const SAFE_FRAMES = 256; // two render quanta: anything closer may already be late
const STARVED_S = 0.15; // this close to the end without samples: fade out rather than break off

export class Schedule {
  constructor(player) {
    this.player = player;
    this.cursor = 0; // the sample the next stretch starts with
    this.nextFrame = null; // the frame it starts at; null: as soon as it can
    this.fadeNext = true; // whether it fades in
    this.lastFrame = 0; // no start before this one: the last stretch is still heard
    this.stretches = []; // oldest first: see `begin`
  }

  get course() {
    const { total, rate, loop } = this.player;
    return { total, windowSize: WINDOW_S * rate, loop };
  }

  frames(seconds) {
    return Math.round(seconds * (this.player.rate || 48_000));
  }

  /** Do what is due now; returns "ahead", "waiting" (for samples) or "over". */
  advance(now) {
    this.stretches = this.stretches.filter((part) => endOf(part) > now - this.frames(1)); // a second for slow outputs
    for (const part of this.stretches) this.fill(part, now);
    const outcome = this.extend(now);
    this.prefetch();
    if (outcome === "end") return this.sounds(now) ? "ahead" : "over";
    if (outcome === "waiting") {
      this.fadeBeforeGap(now);
      return this.sounds(now) ? "ahead" : "waiting";
    }
    return "ahead";
  }

  sounds(now) {
    return this.stretches.some((part) => endOf(part) > now);
  }

  /** Schedule stretches up to the horizon. */
  extend(now) {
    while ((this.nextFrame ?? now) < now + this.frames(HORIZON_S)) {
      const part = stretch(this.cursor, this.course);
      if (!part) return "end";
      if (!this.isReady(part)) return "waiting";
      // After an overrun the clock has gone on and the music has not: a new start, faded in.
      const late = this.nextFrame === null || this.nextFrame < now + SAFE_FRAMES;
      const whenFrame = late ? Math.max(now + this.frames(LEAD_S), this.lastFrame) : this.nextFrame;
      this.begin(part, whenFrame, late || this.fadeNext);
    }
    return "ahead";
  }

  /** `count` samples from `start` are heard for `frames` frames from `whenFrame`, laid by `plan` unless at speed 1. */
  begin({ start, count, next }, whenFrame, fade) {
    const part = { start, count, whenFrame, fade, filled: new Map() }; // id -> frames already scheduled
    const windows = [...this.player.voices.values()].map((voice) => {
      const to = Math.min(start + count, voice.ready);
      return [voice, start < to && this.windowFor(voice, start, to)];
    });
    pace(part, windows, this.player);
    this.stretches.push(part);
    this.fill(part, -Infinity);
    this.cursor = next;
    this.nextFrame = this.lastFrame = endOf(part);
    this.fadeNext = false;
  }

  /** Start what a stretch still lacks: at first everything, later the tracks that have joined or grown. */
  fill(part, now) {
    const { context, bus, voices } = this.player;
    const reachable = now + this.frames(LEAD_S) - part.whenFrame; // first frame not yet too late
    for (const [id, voice] of voices) {
      const done = part.filled.get(id) ?? 0;
      const from = Math.max(done, reachable);
      const to = voice.framesOf(part);
      const window = from < to && this.windowFor(voice, part.start, Math.min(part.start + part.count, voice.ready));
      if (!window) continue;
      const fadeIn = from > done || (from === 0 && part.fade);
      voice.schedule(context, bus, window, part, { from, to, fadeIn });
      part.filled.set(id, to);
    }
  }

  /** True when every track has the samples of this stretch, as far as they exist. */
  isReady({ start, count }) {
    let complete = true;
    let sounding = false; // some audible track has sound here
    let working = false; // some audible track is still being computed here
    for (const voice of this.player.voices.values()) {
      if (voice.pcm.failure || start >= voice.track.n_samples) continue;
      if (start < voice.ready) {
        sounding ||= voice.audible > 0;
        if (!this.windowFor(voice, start, Math.min(start + count, voice.ready))) complete = false;
      } else {
        working ||= voice.audible > 0;
      }
    }
    return complete && (sounding || !working);
  }

  /** The window of `voice` around `start` if it holds everything below `to`; asks for it otherwise. */
  windowFor(voice, start, to) {
    const index = Math.floor(start / voice.pcm.size);
    const window = voice.pcm.get(index, to - index * voice.pcm.size);
    if (!window) voice.pcm.want(index, voice.ready);
    return window;
  }

  prefetch() {
    const ahead = windowsAhead(this.cursor, this.frames((PREFETCH_S - HORIZON_S) * this.player.speed), this.course);
    for (const voice of this.player.voices.values()) for (const index of ahead) voice.pcm.want(index, voice.ready);
  }

  /** Samples will be late: let the sound end softly. */
  fadeBeforeGap(now) {
    if (this.nextFrame === null || this.nextFrame - now > this.frames(STARVED_S)) return;
    this.fadeOut(Math.max(now, this.nextFrame - this.frames(FADE_S)));
    this.nextFrame = null;
  }

  fadeOut(frame) {
    for (const voice of this.player.voices.values()) voice.fadeOut(frame);
  }

  /** Silence from now on; the next stretch starts at `sample`. */
  jump(sample, now) {
    this.fadeOut(now + SAFE_FRAMES);
    this.stretches = [];
    this.cursor = sample;
    this.nextFrame = null;
    this.lastFrame = 0;
    const ahead = windowsAhead(sample, this.frames(PREFETCH_S * this.player.speed), this.course);
    for (const voice of this.player.voices.values()) voice.pcm.keepOnly(ahead);
  }

  /** The course or the speed has changed: play on without a break, but along the new one. */
  replan(now) {
    const frame = now + this.frames(LEAD_S);
    if (!this.sounds(frame)) return; // nothing of the old course is left
    const sample = this.sampleAt(frame);
    this.fadeOut(frame); // the same samples fade in at the same frame: linear ramps sum to one
    this.stretches = this.stretches.filter((part) => part.whenFrame < frame);
    const last = this.stretches.at(-1);
    if (last && endOf(last) > frame) [last.count, last.frames] = [sample - last.start, frame - last.whenFrame];
    this.cursor = sample;
    this.nextFrame = this.lastFrame = frame;
    this.fadeNext = true;
  }

  /** The sample played at a context frame. */
  sampleAt(frame) {
    for (const part of this.stretches) {
      const { start, count, frames, whenFrame } = part;
      if (frame < endOf(part)) return start + Math.round(Math.max(0, frame - whenFrame) * (count / frames));
    }
    const last = this.stretches.at(-1);
    return last ? last.start + last.count : this.cursor;
  }
}

function endOf(part) {
  return part.whenFrame + part.frames;
}

/** Decide how a stretch is laid at this speed, the same for all tracks; `windows` are pairs of a voice and its window. */
export function pace(part, windows, { speed, rate }) {
  part.plan = null;
  if (speed !== 1) {
    const heard = new Float32Array(part.count);
    for (const [voice, window] of windows) voice.addTo(heard, window, part);
    part.plan = planTempo(heard, speed, rate);
  }
  part.frames = part.plan?.frames ?? part.count;
}
