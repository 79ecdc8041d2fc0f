// The sounds of a trial: silent until one is asked for, then all in a loop on one clock from one start. Switching moves
// gains, so nothing is cut; stopping ends them all, and the next one asked for begins at the beginning.
const FADE_S = 0.012; // linear, and the two sum to one: equal sounds stay as loud in the middle of a switch
const LEAD_S = 0.05;

export class TrialPlayer {
  constructor() {
    this.context = null;
    this.buffers = new Map(); // name -> AudioBuffer
    this.sounds = new Map(); // name -> {source, gain}, while they play
    this.heard = ""; // what plays, or played last
    this.onchange = () => {};
  }

  /** Make the context in answer to a gesture, which browsers ask for. */
  unlock() {
    if (navigator.audioSession) navigator.audioSession.type = "playback"; // as the player of the other pages does
    this.context ??= new AudioContext({ latencyHint: "interactive" });
    return this.context.resume();
  }

  get playing() {
    return this.sounds.size > 0 && this.context?.state === "running";
  }

  /** Have these sounds (name -> WAV bytes) ready to be played; until then there is silence. */
  async load(wavs) {
    const names = [...wavs.keys()];
    const buffers = await Promise.all(names.map((name) => this.context.decodeAudioData(wavs.get(name))));
    this.clear();
    this.buffers = new Map(names.map((name, index) => [name, buffers[index]]));
    this.onchange();
  }

  /** Play a sound, or stop it if it is the one that plays. */
  press(name) {
    if (this.playing && this.heard === name) this.stop();
    else this.hear(name);
  }

  /** Stop what plays, or play what was heard last, at first the first one. */
  toggle() {
    this.press(this.heard || [...this.buffers.keys()][0]);
  }

  /** Hear a sound: from the beginning, or, if another one plays, at the same place by a short fade. */
  hear(name) {
    if (!this.buffers.has(name)) return;
    if (this.sounds.size) this.#switch(name);
    else this.#start(name);
    this.heard = name;
    if (this.context.state !== "running") this.context.resume().then(() => this.onchange());
    this.onchange();
  }

  #start(name) {
    const at = this.context.currentTime + LEAD_S;
    for (const [other, buffer] of this.buffers) {
      const source = new AudioBufferSourceNode(this.context, { buffer, loop: true });
      const gain = new GainNode(this.context, { gain: other === name ? 1 : 0 });
      source.connect(gain).connect(this.context.destination);
      source.start(at);
      this.sounds.set(other, { source, gain });
    }
  }

  #switch(name) {
    const now = this.context.currentTime;
    for (const [other, { gain }] of this.sounds) {
      gain.gain.cancelScheduledValues(now);
      gain.gain.setValueAtTime(gain.gain.value, now);
      gain.gain.linearRampToValueAtTime(other === name ? 1 : 0, now + FADE_S);
    }
  }

  /** Fade what plays out, and end it. */
  stop() {
    const now = this.context?.currentTime;
    for (const { source, gain } of this.sounds.values()) {
      gain.gain.cancelScheduledValues(now);
      gain.gain.setValueAtTime(gain.gain.value, now);
      gain.gain.linearRampToValueAtTime(0, now + FADE_S);
      source.stop(now + FADE_S);
    }
    this.sounds.clear();
    this.onchange();
  }

  /** Stop, and forget the sounds. */
  clear() {
    this.stop();
    this.buffers.clear();
    this.heard = "";
  }
}
