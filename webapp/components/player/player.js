// The player of the page: all tracks on one clock. Transport and mixer are here; schedule.js decides what starts when.
//
// Time is counted in whole frames of one AudioContext that runs at the tracks' own rate, so that nothing is resampled
// where windows meet. Only plain Web Audio is used, because it works on http addresses of a local network too.
import { Emitter } from "./emitter.js";
import { Meter } from "./meter.js";
import { Schedule } from "./schedule.js";
import { SPEEDS } from "./tempo.js";
import { linear, Voice } from "./voice.js";

const TICK_MS = 50;
const SLEEP_MS = 10_000; // after a pause of this length the context is suspended, which lets the sound card sleep

/** Emits: "tracks", "mix", "side", "phase", "play", "pause", "seek", "loop", "passage", "speed", "range", "frame". */
export class Player extends Emitter {
  constructor() {
    super();
    this.voices = new Map(); // id -> Voice
    this.owners = new Map(); // component -> descriptors of the tracks it shows
    this.loop = { on: false, start: null, end: null }; // in samples; null is the start or end of the recording
    this.speed = 1; // the pitch stays the same (tempo.js)
    this.side = "A"; // tracks with another side are silent
    this.recording = ""; // the id of the track that the others were made from
    this.standIn = null; // a voice that plays the recording where the others are still being computed
    this.original = ""; // the id of the only track that is heard, while a person holds a key
    this.range = null; // {start, count}: samples in view, shared by all waveforms; null for everything
    this.phase = "stopped"; // stopped | buffering | playing
    this.context = null;
    this.bus = null;
    this.meter = null;
    this.schedule = new Schedule(this);
    this.onArrival = () => {
      if ([...this.voices.values()].some((voice) => voice.pcm.failure)) this.emit("tracks");
      this.tick();
    };
  }

  // ---- tracks

  /** Set the tracks that `owner` shows, [] when it goes; a track that several owners show is played once. */
  setTracks(owner, tracks) {
    if (tracks.length) this.owners.set(owner, tracks);
    else this.owners.delete(owner);
    const shown = new Set([...this.owners.values()].flat().map((track) => track.id));
    for (const [id, voice] of this.voices) {
      if (shown.has(id)) continue;
      voice.close(this.frame + 256);
      this.voices.delete(id);
    }
    for (const track of tracks) this.addOrUpdate(track);
    if (this.context && this.rate && this.context.sampleRate !== this.rate) this.closeContext();
    this.schedule.cursor = Math.min(this.schedule.cursor, this.total);
    if (!this.voices.size) this.stop(0);
    this.applyMix();
    this.emit("tracks");
    this.tick();
  }

  /** Name the track that the others were made from, "" for none: it is heard where they are not computed yet. */
  setRecording(id) {
    this.recording = id;
    const voice = this.voices.get(id);
    if (this.standIn && this.standIn.track.id !== id) {
      this.standIn.close(this.frame + 256);
      this.standIn = null;
    }
    if (voice) {
      this.standIn ??= new Voice(voice.track, this.onArrival);
      Object.assign(this.standIn, { track: voice.track, pcm: voice.pcm }); // one cache for both
    }
    this.applyMix();
    this.tick();
  }

  addOrUpdate(track) {
    const known = this.voices.get(track.id);
    const voice = known ?? new Voice(track, this.onArrival);
    if (known) {
      known.update(track, this.onArrival);
    } else {
      const twin = this.twinsOf(voice)[0]; // two results that are compared get the same mix
      if (twin) voice.mix = { ...twin.mix };
      this.voices.set(track.id, voice);
    }
    // A descriptor sets a mixer value when it first has it and when it changes it; between, a person's setting stays.
    for (const key of ["muted", "solo", "gain_db", "pan"]) {
      if (track[key] !== undefined && track[key] !== voice.declared[key]) voice.mix[key] = track[key];
      voice.declared[key] = track[key];
    }
  }

  /** The sample rate in Hz; all tracks of a page have the same. */
  get rate() {
    return this.voices.values().next().value?.track.sample_rate ?? 0;
  }

  /** The length of the longest track in samples. */
  get total() {
    return Math.max(0, ...[...this.voices.values()].map((voice) => voice.track.n_samples));
  }

  get duration() {
    return this.rate ? this.total / this.rate : 0;
  }

  // ---- transport

  get wanted() {
    return this.phase !== "stopped";
  }

  /** Whether the browser plays at all; it does not while it waits for a gesture or for a device. */
  get clockRuns() {
    return this.context?.state === "running";
  }

  async play() {
    if (!this.voices.size || this.wanted) return;
    this.openContext();
    clearTimeout(this.sleep);
    const resumed = this.resume();
    if (this.schedule.cursor >= this.total) this.schedule.cursor = 0;
    this.setPhase("buffering");
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.followFrames();
    this.emit("play");
    this.tick();
    await resumed;
    this.tick();
  }

  pause() {
    if (!this.wanted) return;
    this.stop(this.position);
    this.emit("pause");
  }

  toggle() {
    if (this.wanted) this.pause();
    else this.play();
  }

  stop(sample) {
    clearInterval(this.timer);
    this.schedule.jump(sample, this.frame);
    this.setPhase("stopped");
    clearTimeout(this.sleep);
    this.sleep = setTimeout(() => this.context?.suspend(), SLEEP_MS);
    this.emit("frame");
  }

  /** Jump to a sample, while playing or paused. */
  seek(sample) {
    this.schedule.jump(Math.max(0, Math.min(Math.round(sample), this.total)), this.frame);
    if (this.wanted) this.setPhase("buffering");
    this.emit("seek");
    this.emit("frame");
    this.tick();
  }

  skip(seconds) {
    this.seek(this.position + seconds * this.rate);
  }

  /** Turn the loop over the samples [start, end) on or off; null is the start or end of the recording. */
  setLoop(on, start = null, end = null) {
    this.loop = { on, start, end };
    if (this.wanted) this.schedule.replan(this.frame);
    this.emit("loop");
    this.tick();
  }

  /** The passage that is looped, or would be, as {start, end} in samples; null if that is the whole recording. */
  get passage() {
    const { start, end } = this.loop;
    return start === null && end === null ? null : { start: start ?? 0, end: end ?? this.total };
  }

  /** Loop the samples [start, end), and go to its start if another place is heard. */
  loopPassage(start, end) {
    this.setLoop(true, start, end);
    if (this.position < start || this.position >= end) this.seek(start);
  }

  /** Let the loop begin ("start") or end ("end") at the playhead. */
  loopAtHead(edge) {
    const at = Math.round(this.position);
    const { start, end } = this.passage ?? { start: 0, end: this.total };
    if (edge === "start" && at < this.total) this.loopPassage(at, at < end ? end : this.total);
    if (edge === "end" && at > 0) this.loopPassage(at > start ? start : 0, at);
  }

  /** Play slower or faster at the same pitch. */
  setSpeed(speed) {
    this.speed = Math.min(SPEEDS.at(-1), Math.max(SPEEDS[0], speed));
    if (this.wanted) this.schedule.replan(this.frame);
    this.emit("speed");
    this.tick();
  }

  /** Change to the next faster (1) or slower (-1) speed. */
  stepSpeed(step) {
    const next = SPEEDS.filter((speed) => (speed - this.speed) * step > 0);
    if (next.length) this.setSpeed(step > 0 ? next[0] : next.at(-1));
  }

  /** Tell all waveforms which samples are in view: {start, count}, or null for everything. */
  setRange(range) {
    this.range = range;
    this.emit("range");
  }

  // ---- mixer

  setMix(id, change) {
    const voice = this.voices.get(id);
    if (!voice) return;
    for (const one of [voice, ...this.twinsOf(voice)]) {
      Object.assign(one.mix, change);
      one.place(this.bus);
    }
    this.applyMix();
    this.emit("mix");
  }

  /** Return the voices that play the same stem on the other side. */
  twinsOf(voice) {
    const { side, twin } = voice.track;
    return [...this.voices.values()].filter((other) => side && other.track.side !== side && other.track.twin === twin);
  }

  /** Switch to the other side at the same sample, without a gap or a click. */
  setSide(side) {
    if (side === this.side) return;
    this.side = side;
    this.applyMix();
    this.emit("side");
    this.emit("mix");
  }

  /** Play only the track of this id, whatever the mixer says, until it is set to "". */
  setOriginal(id) {
    if (id === this.original || (id && !this.voices.has(id))) return;
    this.original = id;
    this.applyMix();
    this.emit("mix");
  }

  /** Whether the mixer lets a track be heard. */
  isAudible(id) {
    return this.voices.get(id)?.audible !== 0;
  }

  mixOf(id) {
    return this.voices.get(id)?.mix ?? { muted: false, solo: false, gain_db: 0, pan: 0 };
  }

  /** Return a sentence that says why a track cannot be played, or "". */
  failureOf(id) {
    return this.voices.get(id)?.pcm.failure ?? "";
  }

  applyMix() {
    const voices = [...this.voices.values()];
    const anySolo = voices.some((voice) => voice.mix.solo);
    const only = this.voices.has(this.original) ? this.original : ""; // it may be gone while the key is held
    for (const voice of voices) {
      const { side, match_db = 0, inverted = false } = voice.track;
      const isAudible = !voice.mix.muted && (voice.mix.solo || !anySolo) && (!side || side === this.side);
      const gain = linear(voice.mix.gain_db) * linear(match_db);
      if (only) voice.setAudible(voice.track.id === only ? 1 : 0);
      else voice.setAudible(isAudible ? (inverted ? -gain : gain) : 0);
    }
    this.standIn?.setAudible(this.isAudible(this.recording) ? 0 : 1);
  }

  // ---- position and level

  get frame() {
    return this.context ? Math.round(this.context.currentTime * this.context.sampleRate) : 0;
  }

  /** The sample that is heard now, the output's latency included. */
  get position() {
    if (!this.wanted) return this.schedule.cursor;
    return this.schedule.sampleAt(this.heardFrame);
  }

  /** The frame of the context that has left the loudspeaker. */
  get heardFrame() {
    return this.frame - this.schedule.frames(this.context.outputLatency || 0);
  }

  /** Whether the recording is heard now where no track has been computed yet. */
  get standsIn() {
    return this.wanted && this.schedule.standsInAt(this.heardFrame);
  }

  /** The output level as {peak_db, rms_db}. */
  get level() {
    return this.meter?.read() ?? { peak_db: -90, rms_db: -90 };
  }

  /** Return the player's state as plain values, for tests. */
  state() {
    return {
      playing: this.phase === "playing",
      phase: this.phase,
      position_samples: this.position,
      context_frame: this.frame,
      sample_rate: this.rate,
      loop: { ...this.loop },
      speed: this.speed,
      stands_in: this.standsIn,
      tracks: [...this.voices].map(([id, voice]) => ({
        id,
        ...voice.mix,
        gain: voice.audible,
        live_gain: voice.node?.gain.value ?? null,
        windows_held: voice.pcm.held.size,
        scheduled: [...voice.scheduled],
      })),
    };
  }

  // ---- the clock

  tick() {
    if (!this.wanted || !this.context) return;
    const outcome = this.schedule.advance(this.frame);
    if (outcome === "over") {
      this.stop(this.total);
      this.emit("pause");
    } else {
      this.setPhase(outcome === "waiting" || this.context.state !== "running" ? "buffering" : "playing");
    }
  }

  setPhase(phase) {
    if (phase === this.phase) return;
    this.phase = phase;
    this.emit("phase", phase);
  }

  /** Emit "frame" now, and at every screen frame as long as it plays. */
  followFrames() {
    this.emit("frame");
    if (this.wanted) requestAnimationFrame(() => this.followFrames());
  }

  openContext() {
    if (this.context) return;
    // With its ringer off an iPhone plays music, but not the sounds of pages; Web Audio is the latter unless one says so.
    if (navigator.audioSession) navigator.audioSession.type = "playback";
    this.context = new AudioContext({ sampleRate: this.rate, latencyHint: "interactive" });
    this.context.onstatechange = () => this.wanted && this.context?.state !== "closed" && this.resume();
    this.meter = new Meter(this.context);
    this.bus = new GainNode(this.context);
    this.bus.connect(this.meter.node).connect(this.context.destination);
  }

  /** Resume the context. Browsers allow that only in answer to a gesture; if this one does not count, the next does. */
  resume() {
    const again = () => this.wanted && this.context?.resume();
    if (this.context.state !== "running") {
      for (const gesture of ["pointerup", "keydown"]) document.addEventListener(gesture, again, { once: true });
    }
    return this.context.resume();
  }

  closeContext() {
    this.stop(0);
    this.context.close();
    this.context = this.bus = this.meter = null;
  }
}

export const player = new Player(); // one for all components of a page
