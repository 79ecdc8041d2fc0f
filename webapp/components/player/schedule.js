// The schedule: decides which samples start at which frame of the audio clock.
//
// The order of playback is cut into stretches (walk.js). A stretch starts all tracks at one context frame, exactly
// where the stretch before it ended. If samples are late, nothing starts: playback waits for every track and then goes
// on in sync. Tracks that are added or grow meanwhile are started within the stretches that already play. Where no track
// that can be heard has been computed yet, the recording stands in for them.
import { planTempo } from "./tempo.js";
import { FADE_S } from "./voice.js";
import { stretch, windowsAhead } from "./walk.js";
import { WINDOW_S } from "./pcm_cache.js";

const HORIZON_S = 4; // how far ahead sound is scheduled; background tabs are woken only once a second
const PREFETCH_S = 8;
const LEAD_S = 0.05; // from now to a start that the audio thread surely reaches in time
const SAFE_FRAMES = 256; // two render quanta; a start closer than this may already be late
const IMMINENT_S = 1.2; // samples that are still being computed this close to their start are not waited for; see HORIZON_S
const STAND_IN_S = 0.5; // the recording stands in for this long at a time, so that the tracks are heard soon after
const STARVED_S = 0.15; // if the next samples are still missing this close to their start, the sound fades out

export class Schedule {
  constructor(player) {
    this.player = player;
    this.cursor = 0; // the sample that the next stretch starts with
    this.nextFrame = null; // the frame at which it starts; null for as soon as possible
    this.fadeNext = true; // whether it fades in
    this.lastFrame = 0; // the earliest frame of any start: until then the last stretch plays
    this.stretches = []; // oldest first; `begin` makes them
  }

  get course() {
    const { total, rate, loop } = this.player;
    return { total, windowSize: WINDOW_S * rate, loop };
  }

  frames(seconds) {
    return Math.round(seconds * (this.player.rate || 48_000));
  }

  /** Schedule what is due at frame `now`; returns "ahead", "waiting" (for samples) or "over". */
  advance(now) {
    this.stretches = this.stretches.filter((part) => endOf(part) > now - this.frames(1)); // slow outputs need a second
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

  /** Begin stretches up to the horizon. */
  extend(now) {
    while ((this.nextFrame ?? now) < now + this.frames(HORIZON_S)) {
      const part = this.upToEdge(stretch(this.cursor, this.course));
      if (!part) return "end";
      if (this.isUnmade(part)) {
        const isImminent = this.nextFrame === null || this.nextFrame - now < this.frames(IMMINENT_S);
        if (!this.player.standIn || !isImminent) return "waiting";
        this.standIn(part);
      }
      if (!this.isReady(part)) return "waiting";
      // If the clock has passed the planned frame, the stretch starts as soon as possible and fades in.
      const late = this.nextFrame === null || this.nextFrame < now + SAFE_FRAMES;
      const whenFrame = late ? Math.max(now + this.frames(LEAD_S), this.lastFrame) : this.nextFrame;
      this.begin(part, whenFrame, late || this.fadeNext);
    }
    return "ahead";
  }

  /** End a stretch where an audible track is still being computed, so that what follows is waited for, not skipped. */
  upToEdge(part) {
    if (!part) return null;
    let next = part.next;
    for (const { audible, pcm, ready, track } of this.player.voices.values()) {
      const edges = audible !== 0 && !pcm.failure && part.start < ready && ready < track.n_samples;
      if (edges) next = Math.min(next, ready);
    }
    return { ...part, count: next - part.start, next };
  }

  /** Whether tracks could be heard in a stretch, and none of them has been computed there yet. */
  isUnmade({ start }) {
    const heard = [...this.player.voices.values()].filter(
      ({ audible, pcm, track }) => audible !== 0 && !pcm.failure && start < track.n_samples,
    );
    return heard.length > 0 && heard.every(({ ready }) => ready <= start);
  }

  /** Let the recording be heard in a stretch, which is cut short. */
  standIn(part) {
    part.unmade = new Set([...this.player.voices.values()].filter((voice) => voice.ready <= part.start));
    part.count = Math.min(part.count, this.frames(STAND_IN_S));
    part.next = part.start + part.count;
  }

  /** The voices that play in a stretch: where the recording stands in, those that are computed later do not. */
  voicesOf({ unmade }) {
    const { voices, standIn } = this.player;
    return unmade ? [...[...voices.values()].filter((voice) => !unmade.has(voice)), standIn] : [...voices.values()];
  }

  /** Whether the recording stands in at a context frame for what is still being computed. */
  standsInAt(frame) {
    return this.stretches.some((part) => part.unmade && part.whenFrame <= frame && frame < endOf(part));
  }

  /** Begin a stretch: `count` samples from `start`, which play from `whenFrame` and fade in if `fade`. */
  begin({ start, count, next, unmade }, whenFrame, fade) {
    const last = this.stretches.at(-1);
    const changes = last && endOf(last) === whenFrame && !last.unmade !== !unmade;
    if (changes) this.fadeOut(Math.max(this.player.frame ?? 0, whenFrame - this.frames(FADE_S)));
    const part = { start, count, whenFrame, unmade, fade: fade || changes, filled: new Map() }; // voice -> frames scheduled
    const windows = this.voicesOf(part).map((voice) => {
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

  /** Schedule what is missing of a stretch: at first all of it, later the tracks that were added or have grown. */
  fill(part, now) {
    const { context, bus } = this.player;
    const reachable = now + this.frames(LEAD_S) - part.whenFrame; // the first frame that is not too late
    for (const voice of this.voicesOf(part)) {
      const done = part.filled.get(voice) ?? 0;
      const from = Math.max(done, reachable);
      const to = voice.framesOf(part);
      const window = from < to && this.windowFor(voice, part.start, Math.min(part.start + part.count, voice.ready));
      if (!window) continue;
      const fadeIn = from > done || (from === 0 && part.fade);
      voice.schedule(context, bus, window, part, { from, to, fadeIn });
      part.filled.set(voice, to);
    }
  }

  /** Return whether every voice has the samples of this stretch that exist. */
  isReady(part) {
    const { start, count } = part;
    return this.voicesOf(part)
      .filter((voice) => !voice.pcm.failure && start < voice.ready)
      .map((voice) => this.windowFor(voice, start, Math.min(start + count, voice.ready))) // all of them are fetched
      .every((window) => window);
  }

  /** Return the window of `voice` around `start` if it holds all samples before `to`; otherwise fetch it. */
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

  /** Fade the sound out before its scheduled end if the next samples will be late. */
  fadeBeforeGap(now) {
    if (this.nextFrame === null || this.nextFrame - now > this.frames(STARVED_S)) return;
    this.fadeOut(Math.max(now, this.nextFrame - this.frames(FADE_S)));
    this.nextFrame = null;
  }

  fadeOut(frame) {
    for (const voice of this.player.voices.values()) voice.fadeOut(frame);
    this.player.standIn?.fadeOut(frame);
  }

  /** Fade out now; the next stretch starts at `sample`. */
  jump(sample, now) {
    this.fadeOut(now + SAFE_FRAMES);
    this.stretches = [];
    this.cursor = sample;
    this.nextFrame = null;
    this.lastFrame = 0;
    const ahead = windowsAhead(sample, this.frames(PREFETCH_S * this.player.speed), this.course);
    for (const voice of this.player.voices.values()) voice.pcm.keepOnly(ahead);
  }

  /** Go on without a break after the loop or the speed has changed. */
  replan(now) {
    const frame = now + this.frames(LEAD_S);
    if (!this.sounds(frame)) return; // nothing of the old plan would still play then
    const sample = this.sampleAt(frame);
    this.fadeOut(frame); // the same samples fade in from this frame, and the two linear ramps sum to one
    this.stretches = this.stretches.filter((part) => part.whenFrame < frame);
    const last = this.stretches.at(-1);
    if (last && endOf(last) > frame) [last.count, last.frames] = [sample - last.start, frame - last.whenFrame];
    this.cursor = sample;
    this.nextFrame = this.lastFrame = frame;
    this.fadeNext = true;
  }

  /** Return the sample that plays at a context frame. */
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

/** Set `plan` (tempo.js; null at speed 1) and `frames` of a stretch; `windows` are pairs of a voice and its window. */
export function pace(part, windows, { speed, rate }) {
  part.plan = null;
  if (speed !== 1) {
    const mono = new Float32Array(part.count);
    for (const [voice, window] of windows) voice.addTo(mono, window, part);
    part.plan = planTempo(mono, speed, rate);
  }
  part.frames = part.plan?.frames ?? part.count;
}
