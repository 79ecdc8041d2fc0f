// The layer of waveform.js over the time ruler: a drag there marks the passage that is looped.
//
// `live` is the gesture under way, {kind, from, to}: a "new" passage, a "move", or the "start" or "end" that is dragged.
// The player hears of it when the gesture ends; until then only the picture changes.
import { clock, isTyping, passageStyle, player, ruler } from "audio-playground-player";

const CLICK_PX = 4; // a pointer that moves less than this has clicked
const SHORTEST_S = 0.02; // as in walk.js: what is shorter is heard as a tone
const TIME_PX = 38; // of a mark on the ruler with its time
const EDGES = { start: "Start of the loop", end: "End of the loop" };

export const LoopRuler = {
  template: `
    <div class="loop-layer" :class="live?.kind">
      <i v-if="shown && (looped || live)" class="loop-band" :style="place"></i>
      <div class="loop-ruler" @pointerdown="onDown" @pointermove="onMove" @pointerup="onUp" @pointercancel="drop"
           @lostpointercapture="drop">
        <div v-if="shown" class="loop-passage" :style="place" role="group" aria-label="Loop"
             :class="{ off: !looped && !live, first: !shown.start, last: shown.end === total }">
          <i v-for="(label, edge) in edges" :key="edge" class="loop-edge" :data-edge="edge" tabindex="0" role="slider"
             :aria-label="label" :aria-valuetext="clock(seconds(shown[edge]))" aria-valuemin="0" :aria-valuemax="seconds(total)"
             :aria-valuenow="seconds(shown[edge])" @keydown="onKey($event, edge)"></i>
        </div>
        <button v-if="shown && !live && removeAt !== null" type="button" class="loop-remove i i-close" @click="remove"
                aria-label="Remove the loop" data-tip="Remove the loop (Esc)" :style="{ left: removeAt + 'px' }"
                @pointerdown.stop></button>
      </div>
      <span v-if="live?.to" class="loop-times num" :style="beside">{{ words }}</span>
    </div>`,

  props: { total: Number, height: Number },
  inject: { view: { from: "waveView" } },
  emits: ["seek"],

  data: () => ({ passage: null, looped: false, live: null }),

  computed: {
    edges: () => EDGES,
    /** The passage as it looks during a gesture: {start, end} in samples, or null. */
    shown() {
      return this.total ? (this.live?.to ?? this.passage) : null;
    },
    place() {
      return passageStyle(this.shown, this.view);
    },
    words() {
      const { start, end } = this.live.to;
      return `${clock(this.seconds(start))} – ${clock(this.seconds(end))}`;
    },
    beside() {
      return { left: `max(4px, min(${this.view.xOf(this.live.to.start)}px, 100% - 150px))` };
    },
    /** Where the button stands that removes the passage: beside it or in it, where it covers no time if it can. */
    removeAt() {
      const [left, right] = [this.shown.start, this.shown.end].map((sample) => this.view.xOf(sample));
      const { height: size, view: { width } } = this; // it is as wide as the ruler is high, and so is a handle
      if (right < 0 || left > width) return null;
      const inside = Math.min(size / 2, (right - left) / 4); // the part of a handle that lies in the passage
      const beside = [right + size - inside, left - 2 * size + inside];
      const within = right - left > 3 * size ? [right - inside - size, left + inside] : [];
      const spots = [...beside, ...within].filter((x) => x >= 0 && x + size <= width);
      const { marks } = ruler(this.view, this.view.sampleRate);
      const free = spots.find((x) => marks.every((mark) => x + size < mark.x || x > mark.x + TIME_PX));
      return free ?? spots[0] ?? (Math.max(0, left) + Math.min(width, right) - size) / 2;
    },
  },

  watch: {
    "view.pinching"(pinching) {
      if (pinching) this.drop();
    },
  },

  mounted() {
    this.onPageKey = this.onPageKey.bind(this);
    document.addEventListener("keydown", this.onPageKey, true);
    this.ends = [player.on("loop", () => this.read()), player.on("tracks", () => this.read())];
    this.read();
  },
  beforeUnmount() {
    document.removeEventListener("keydown", this.onPageKey, true);
    this.ends.forEach((end) => end());
  },

  methods: {
    clock,

    seconds(samples) {
      return samples / this.view.sampleRate;
    },

    read() {
      this.passage = player.passage;
      this.looped = player.loop.on;
    },

    remove() {
      player.setLoop(false);
    },

    // ---- gestures

    onDown(event) {
      if (event.button > 0 || !this.total) return;
      event.stopPropagation();
      event.currentTarget.setPointerCapture(event.pointerId);
      const at = this.sampleAt(event);
      const inside = this.passage && at >= this.passage.start && at < this.passage.end;
      const kind = event.target.dataset.edge ?? (inside ? "move" : "new");
      this.live = { kind, from: this.passage, to: null, at, pointer: event.pointerId, x: event.clientX };
    },

    onMove(event) {
      const { live } = this;
      if (live?.pointer !== event.pointerId || (!live.to && Math.abs(event.clientX - live.x) < CLICK_PX)) return;
      live.to = this.dragged(live, this.sampleAt(event));
      player.emit("passage", live.to);
    },

    /** Return what the passage becomes when the hand has gone to a sample. */
    dragged({ kind, from, at }, to) {
      if (kind === "new") return this.between(at, to);
      if (kind === "start") return this.between(from.start + to - at, from.end);
      if (kind === "end") return this.between(from.start, from.end + to - at);
      const start = Math.max(0, Math.min(from.start + to - at, this.total - (from.end - from.start)));
      return { start, end: start + from.end - from.start };
    },

    /** Return the passage between two samples in whatever order, within the recording and long enough to be looped. */
    between(...samples) {
      const shortest = Math.ceil(SHORTEST_S * this.view.sampleRate);
      const [low, high] = samples.map((sample) => Math.max(0, Math.min(Math.round(sample), this.total))).sort((a, b) => a - b);
      const start = Math.max(0, Math.min(low, this.total - shortest));
      return { start, end: Math.max(high, start + shortest) };
    },

    onUp(event) {
      const { live } = this;
      if (live?.pointer !== event.pointerId) return;
      this.live = null;
      if (live.to) player.loopPassage(live.to.start, live.to.end);
      else this.$emit("seek", live.at);
    },

    /** Cancel the gesture. */
    drop() {
      if (!this.live) return;
      this.live = null;
      player.emit("passage", this.passage);
    },

    // ---- keys

    onKey(event, edge) {
      if (isTyping(event)) return;
      const rate = this.view.sampleRate;
      const step = event.shiftKey ? rate : Math.max(rate / 100, 8 * this.view.samplesPerPixel);
      const by = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step }[event.key];
      if (by === undefined && event.key !== "Delete" && event.key !== "Backspace") return;
      if (by === undefined) this.remove();
      else this.nudge(edge, by);
      event.preventDefault();
      event.stopPropagation();
    },

    nudge(edge, by) {
      const next = { ...this.passage, [edge]: this.passage[edge] + by };
      if (next.start >= next.end) return;
      const { start, end } = this.between(next.start, next.end);
      player.loopPassage(start, end);
    },

    onPageKey(event) {
      if (event.key !== "Escape" || !this.live) return;
      this.drop();
      event.preventDefault();
      event.stopPropagation();
    },

    sampleAt(event) {
      return this.view.sampleAt(event.clientX - this.$el.getBoundingClientRect().left);
    },
  },
};
