// The sounds of a trial, all playing in a loop on one clock from one start; switching moves gains, so nothing is cut.
const FADE_S = 0.012; // linear, and the two sum to one: equal sounds stay as loud in the middle of a switch
const LEAD_S = 0.05;

export class TrialPlayer {
  constructor() {
    this.context = null;
    this.sounds = new Map(); // name -> {source, gain}
    this.heard = "";
    this.onchange = () => {};
  }

  /** Make the context in answer to a gesture, which browsers ask for. */
  unlock() {
    this.context ??= new AudioContext({ latencyHint: "interactive" });
    return this.context.resume();
  }

  get playing() {
    return this.sounds.size > 0 && this.context?.state === "running";
  }

  /** Play sounds (name -> WAV bytes) from their beginning; only `heard` is audible. */
  async load(wavs, heard) {
    const names = [...wavs.keys()];
    const buffers = await Promise.all(names.map((name) => this.context.decodeAudioData(wavs.get(name))));
    this.stop();
    const at = this.context.currentTime + LEAD_S;
    names.forEach((name, index) => {
      const source = new AudioBufferSourceNode(this.context, { buffer: buffers[index], loop: true });
      const gain = new GainNode(this.context, { gain: name === heard ? 1 : 0 });
      source.connect(gain).connect(this.context.destination);
      source.start(at);
      this.sounds.set(name, { source, gain });
    });
    this.heard = heard;
    this.onchange();
  }

  /** Hear another sound at the same place, by a short fade. */
  hear(name) {
    if (!this.sounds.has(name)) return;
    const now = this.context.currentTime;
    for (const [other, { gain }] of this.sounds) {
      gain.gain.cancelScheduledValues(now);
      gain.gain.setValueAtTime(gain.gain.value, now);
      gain.gain.linearRampToValueAtTime(other === name ? 1 : 0, now + FADE_S);
    }
    this.heard = name;
    if (this.context.state !== "running") this.context.resume().then(() => this.onchange());
    this.onchange();
  }

  async toggle() {
    if (this.context?.state === "running") await this.context.suspend();
    else await this.context?.resume();
    this.onchange();
  }

  stop() {
    for (const { source, gain } of this.sounds.values()) {
      source.stop();
      gain.disconnect();
    }
    this.sounds.clear();
    this.heard = "";
  }
}
