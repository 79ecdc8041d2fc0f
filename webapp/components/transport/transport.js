// The transport at the foot of a page: play, position, loop, speed, and the output level.
import { ICONS, SPEEDS, clock, clockSpoken, isPressing, isTyping, player } from "audio-playground-player";

const FLOOR_DB = -60; // the left end of the level meter
const OPEN = "dialog[open], .q-dialog, .q-menu, :popover-open:not([role=tooltip])"; // what Escape closes first
const FALL_DB = 1.2; // per screen frame; the meter rises at once and falls this slowly

export default {
  template: `
    <div class="transport" role="group" aria-label="Playback">
      <button type="button" class="play" :class="phase" :disabled="!duration"
              :aria-label="wanted ? 'Pause' : 'Play'" @click="toggle"
              :data-tip="wanted ? 'Pause (Space)' : 'Play all tracks in sync (Space)'">
        <span v-if="wanted" class="face">${ICONS.pause}</span>
        <span v-else class="face">${ICONS.play}</span>
      </button>
      <span class="time" role="timer" aria-live="off" :aria-label="clockSpoken(position)">
        <span class="now">{{ clock(position) }}</span><span class="whole"> / {{ clock(duration) }}</span>
      </span>
      <span class="buffering" role="status">{{ waiting }}</span>
      <button type="button" class="toggle loop" :class="{ on: looping }"
              :aria-pressed="looping" aria-label="Loop" @click="toggleLoop"
              :data-tip="loopTip">
        ${ICONS.loop}
        <span>Loop</span>
      </button>
      <select class="toggle speed" :class="{ on: speed !== 1 }" aria-label="Speed" :value="speed" @change="setSpeed"
              data-tip="Slower or faster at the same pitch (&lt; &gt;)">
        <option v-for="one in speeds" :key="one" :value="one">{{ one }}×</option>
      </select>
      <span class="grow"></span>
      <slot></slot>
      <span class="meter" role="meter" aria-label="Level"
            data-tip="Level of what is heard, -60 to 0 dB below full scale; red means it would clip" aria-valuemin="-60" aria-valuemax="0"
            :aria-valuenow="Math.round(shown)" :aria-valuetext="shown <= -60 ? 'silent' : Math.round(shown) + ' dB'">
        <i :style="{ transform: 'scaleX(' + share + ')' }"></i>
        <b v-if="held > -60" :class="{ over: held >= 0 }" :style="{ left: 100 * heldShare + '%' }"></b>
      </span>
    </div>`,

  props: { reportPosition: Boolean },
  emits: ["play", "pause", "seek", "loop", "position"],

  data() {
    const level = { shown: FLOOR_DB, held: FLOOR_DB }; // dB; `shown` is the bar, `held` the mark of the last peak
    return { phase: "stopped", position: 0, duration: 0, looping: false, region: "", speed: 1, waiting: "", ...level };
  },

  computed: {
    speeds: () => SPEEDS,
    wanted() {
      return this.phase !== "stopped";
    },
    share() {
      return Math.min(1, Math.max(0, 1 - this.shown / FLOOR_DB));
    },
    heldShare() {
      return Math.min(1, Math.max(0, 1 - this.held / FLOOR_DB));
    },
    loopTip() {
      const { looping, region } = this;
      if (!region) return looping ? "Play on to the end (R)" : "Start again at the end, without a gap (R)";
      return looping ? `${region} again and again; press to play on (R)` : `Loop ${region} again (R)`;
    },
  },

  mounted() {
    const seconds = () => player.position / (player.rate || 1);
    this.ends = [
      player.on("phase", (phase) => this.onPhase(phase)),
      player.on("frame", () => this.onFrame()),
      player.on("tracks", () => this.refresh()),
      player.on("play", () => this.$emit("play", seconds())),
      player.on("pause", () => this.$emit("pause", seconds())),
      player.on("seek", () => this.$emit("seek", seconds())),
      player.on("loop", () => this.onLoop()),
      player.on("speed", () => (this.speed = player.speed)),
    ];
    this.onKey = this.onKey.bind(this);
    this.onRelease = this.onRelease.bind(this);
    document.addEventListener("keydown", this.onKey);
    document.addEventListener("keyup", this.onRelease);
    window.addEventListener("blur", this.onRelease);
    if (this.reportPosition) this.reports = setInterval(() => player.wanted && this.$emit("position", seconds()), 250);
    this.onPhase(player.phase);
    this.refresh();
  },
  beforeUnmount() {
    this.ends.forEach((end) => end());
    document.removeEventListener("keydown", this.onKey);
    document.removeEventListener("keyup", this.onRelease);
    window.removeEventListener("blur", this.onRelease);
    clearInterval(this.reports);
    clearTimeout(this.patience);
  },

  methods: {
    clock,
    clockSpoken,

    refresh() {
      this.duration = player.duration;
      this.position = player.position / (player.rate || 1);
    },

    onPhase(phase) {
      this.phase = phase;
      clearTimeout(this.patience);
      this.waiting = ""; // every start takes a moment; only a longer wait is shown
      if (phase === "buffering") this.patience = setTimeout(() => this.wait(), 400);
    },

    /** Say what is waited for. Without a device to play on, the clock of some browsers never starts. */
    wait() {
      this.waiting = "waiting for audio…";
      this.patience = setTimeout(() => !player.clockRuns && (this.waiting = "no sound output"), 3000);
    },

    onFrame() {
      this.refresh();
      const { rms_db, peak_db } = player.level;
      const playing = this.phase === "playing";
      this.shown = Math.max(playing ? rms_db : FLOOR_DB, this.shown - FALL_DB, FLOOR_DB);
      this.held = Math.max(playing ? peak_db : FLOOR_DB, this.held - FALL_DB / 3, FLOOR_DB);
      if (!player.wanted) this.shown = this.held = FLOOR_DB; // no further frames come in which it could fall
    },

    onLoop() {
      const { on, start, end } = player.loop;
      const rate = player.rate || 1;
      const seconds = (sample) => (sample === null ? null : sample / rate);
      this.looping = on;
      const { passage } = player;
      this.region = passage ? `${clock(passage.start / rate, 1)} – ${clock(passage.end / rate, 1)}` : "";
      this.$emit("loop", { on, start_s: seconds(start), end_s: seconds(end) });
    },

    toggle() {
      player.toggle();
    },

    toggleLoop() {
      const { on, start, end } = player.loop;
      player.setLoop(!on, start, end);
    },

    setSpeed(event) {
      player.setSpeed(Number(event.target.value));
    },

    onKey(event) {
      if (event.defaultPrevented || isTyping(event)) return;
      if (event.repeat && "kpor ".includes(event.key.toLowerCase())) return; // a key held down counts once
      if (event.key === " " && isPressing(event)) return;
      const nowhere = event.target === document.body || event.target.id === "main";
      if (event.key.startsWith("Arrow") && !nowhere) return; // there it means something else
      const keys = {
        " ": () => player.toggle(),
        arrowleft: () => player.skip(event.shiftKey ? -5 : -1),
        arrowright: () => player.skip(event.shiftKey ? 5 : 1),
        o: () => player.setOriginal(player.recording),
        k: () => player.toggle(),
        p: () => player.toggle(),
        j: () => player.skip(-5),
        l: () => player.skip(5),
        home: () => player.seek(0),
        "[": () => player.loopAtHead("start"),
        "]": () => player.loopAtHead("end"),
        r: () => this.toggleLoop(),
        escape: player.passage && !document.querySelector(OPEN) && (() => player.setLoop(false)),
        "<": () => player.stepSpeed(-1),
        ">": () => player.stepSpeed(1),
      };
      const act = keys[event.key.toLowerCase()];
      if (!act || (event.key === "Home" && event.target.closest?.("[role=slider], input"))) return;
      act();
      event.preventDefault();
    },

    /** Let go of the original, which is heard while its key is held. */
    onRelease(event) {
      if (event.type === "blur" || event.key?.toLowerCase() === "o") player.setOriginal("");
    },

    // ---- called from Python

    play() {
      player.play();
    },
    pause() {
      player.pause();
    },
    seek(position_s) {
      player.seek(position_s * player.rate);
    },
    setLoop(on, start_s, end_s) {
      const samples = (s) => (s === null ? null : Math.round(s * player.rate));
      player.setLoop(on, samples(start_s), samples(end_s));
    },
  },
};
