// The large waveform of one recording, with zoom, seeking and the strip of chunks.
//
// The visible part is in `view`, which layers (child elements over the drawing) read through `inject`. A layer claims a
// gesture by stopping the propagation of `pointerdown`; a gesture that no layer claims seeks. A second finger turns
// either into a pinch: `view.pinching` is then true, and a layer cancels the gesture it had begun.
import {
  Strip, clock, clockSpoken, colorOf, describeCells, describeReach, drawBars, fitCanvas, fullScale, isTyping, loadPyramid,
  onSchemeChange, player, ruler,
} from "audio-playground-player";
import { LoopRuler } from "audio-playground-waveform/loop_ruler.js";

const RULER_PX = { mouse: 24, finger: 44 }; // the passage that is looped is marked on it
const FINGERS = "(pointer: coarse)";
const rulerTall = () => (matchMedia(FINGERS).matches ? RULER_PX.finger : RULER_PX.mouse);
const FOOT_PX = 10; // of the bar that scrolls, where it is zoomed
const NARROW_PX = 560; // as in player.css, where the rows of tracks stand in one column
const SILENT_ALPHA = 0.4; // of a recording that is muted, as in player.css
const CLOSEST = 64; // samples per pixel at the deepest zoom; a peak covers 256 samples

export default {
  template: `
    <div class="wave" :style="{ '--ruler': rulerTall + 'px' }">
      <div ref="stage" class="wave-stage" :style="{ height: tall + 'px' }"
           @wheel.prevent="onWheel" @pointerdown.capture="onFinger" @pointerdown="onDown" @pointermove="onMove"
           @pointerup="onUp" @pointercancel="onCancel" @pointerleave="hover = null">
        <div class="wave-slider" tabindex="0" role="slider" @keydown="onKey"
             :aria-label="track ? 'Position in ' + track.name : 'Position'" aria-valuemin="0"
             :aria-valuemax="Math.round(seconds(total))" :aria-valuenow="headSecond"
             :aria-valuetext="clockSpoken(headSecond)" :aria-disabled="!track">
          <canvas ref="canvas" aria-hidden="true"></canvas>
        </div>
        <loop-ruler :total="total" :height="rulerTall" @seek="jump"></loop-ruler>
        <slot></slot>
        <div v-show="track" ref="playhead" class="playhead"></div>
        <div v-if="track && hover !== null" class="wave-hover" :class="{ left: hover > view.width - 80 }"
             :style="{ transform: 'translateX(' + hover + 'px)' }">
          <span>{{ clock(seconds(view.sampleAt(hover))) }}</span>
        </div>
        <div v-if="waiting" class="wave-note skeleton"><span>Loading the waveform…</span></div>
        <div v-else-if="failure" class="wave-note" role="alert">{{ failure }}</div>
        <div v-else-if="!track" class="wave-note">{{ emptyText }}</div>
        <div v-if="zoomed" class="wave-scroll" ref="scroll" aria-hidden="true"
             @pointerdown.stop="onScroll" @pointermove="onScroll">
          <i :style="{ left: 100 * view.start / total + '%', width: 100 * count / total + '%' }"></i>
        </div>
      </div>
      <canvas v-show="chunks.length" ref="strip" class="wave-strip" role="img" :aria-label="chunkWords"
              :title="chunkTitle" @pointermove="onStripHover" @click="onStripClick"></canvas>
    </div>`,

  components: { LoopRuler },
  props: {
    track: Object,
    chunks: { type: Array, default: () => [] },
    loading: Boolean,
    emptyText: String,
    height: { type: Number, default: 210 },
    marked: Object, // {name, color} of the prompt whose spans the strip shows
  },
  emits: ["seek", "chunk", "view"],

  provide() {
    return { waveView: this.view };
  },

  data() {
    const view = {
      start: 0, // the first visible sample
      samplesPerPixel: 1,
      width: 0, // in CSS pixels
      sampleRate: 48_000,
      pinching: false,
      reveal: (start, stop) => this.reveal(start, stop), // scrolls to these samples if they are out of view
      sampleAt: (x) => this.view.start + x * this.view.samplesPerPixel,
      xOf: (sample) => (sample - this.view.start) / this.view.samplesPerPixel,
    };
    // `cells` are the chunks with what `updateChunk` has made of them
    const plain = { headSecond: 0, drawn: false, failure: "", hover: null, chunkTitle: "", rulerTall: rulerTall() };
    return { view, ...plain, cells: this.chunks };
  },

  computed: {
    total() {
      return this.track?.n_samples ?? 0;
    },
    /** The height in pixels; on a phone it leaves room for the tracks. */
    tall() {
      const width = this.view.width || innerWidth; // until it has been measured
      const tall = width < NARROW_PX ? Math.round(0.7 * this.height) : this.height;
      return tall + this.rulerTall - RULER_PX.mouse;
    },
    count() {
      return this.view.width * this.view.samplesPerPixel;
    },
    waiting() {
      return this.track ? !this.drawn && !this.failure : this.loading;
    },
    zoomed() {
      return this.track && this.drawn && this.count < this.total - 1;
    },
    chunkWords() {
      return [describeCells(this.cells), ...describeReach(this.cells, this.marked?.name)].join("; ");
    },
  },

  created() {
    this.head = 0; // the sample under the playhead; kept out of Vue's data, since it changes with every screen frame
  },
  mounted() {
    this.pointers = new Map(); // pointerId -> x of each finger
    this.strip = new Strip(this.$refs.strip, this.view);
    this.fingers = matchMedia(FINGERS);
    this.fingers.onchange = () => this.fit();
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.$refs.stage);
    this.ends = [
      player.on("frame", () => this.follow()),
      player.on("tracks", () => this.follow()),
      player.on("mix", () => this.draw()),
      player.on("zoom", (factor) => (factor ? this.zoomBy(factor) : this.showAll())),
      onSchemeChange(() => this.draw()),
      () => (this.fingers.onchange = null),
      () => this.observer.disconnect(),
      () => player.setTracks(this, []),
    ];
    this.strip.setChunks(this.chunks, this.marked);
    this.$nextTick(() => this.adopt());
  },
  beforeUnmount() {
    this.ends.forEach((end) => end());
  },

  watch: {
    track(now, before) {
      const same = now && before && now.url === before.url;
      if (before && !same && player.passage) player.setLoop(false); // it was of that recording
      this.adopt(same, same && this.count >= before.n_samples - 1);
    },
    chunks(chunks) {
      this.cells = chunks;
      this.strip.setChunks(chunks, this.marked);
    },
    marked(marked) {
      this.strip.setChunks(this.chunks, marked);
    },
  },

  methods: {
    clock,
    clockSpoken,

    seconds(samples) {
      return samples / this.view.sampleRate;
    },

    /** Show the present track; the `same` audio, grown, keeps its zoom, and its picture until the new one is loaded. */
    async adopt(same = false, wasAll = true) {
      const track = this.track;
      player.setTracks(this, track ? [track] : []);
      this.failure = "";
      if (!same) {
        this.pyramid = null;
        this.drawn = false;
      }
      if (!track) return this.draw();
      this.view.sampleRate = track.sample_rate;
      if (!same || wasAll) this.showAll();
      this.follow();
      try {
        const pyramid = await loadPyramid(track);
        if (this.track !== track) return; // another track was chosen meanwhile
        this.pyramid = pyramid;
        this.drawn = true;
      } catch (reason) {
        if (this.track !== track) return;
        this.failure = reason.message;
      }
      this.draw();
    },

    // ---- view

    fit() {
      this.rulerTall = rulerTall();
      const width = this.$refs.stage.clientWidth;
      const wasAll = !this.zoomed;
      this.view.width = width;
      if (wasAll) this.setView(0, this.total / Math.max(1, width));
      else this.setView(this.view.start, this.view.samplesPerPixel);
    },

    setView(start, samplesPerPixel) {
      const widest = this.total / Math.max(1, this.view.width);
      this.view.samplesPerPixel = Math.min(Math.max(samplesPerPixel, Math.min(CLOSEST, widest)), widest) || 1;
      this.view.start = Math.max(0, Math.min(start, this.total - this.count));
      player.setRange(this.zoomed ? { start: this.view.start, count: this.count } : null);
      this.draw();
      clearTimeout(this.settled);
      this.settled = setTimeout(() => {
        if (this.track) this.$emit("view", { start: Math.round(this.view.start), count: Math.round(this.count) });
      }, 250);
    },

    zoomAt(x, factor) {
      const anchor = this.view.sampleAt(x);
      const widest = this.total / Math.max(1, this.view.width);
      const scale = Math.min(Math.max(this.view.samplesPerPixel / factor, CLOSEST), widest);
      this.setView(anchor - x * scale, scale);
    },

    zoomBy(factor) {
      const x = this.view.xOf(this.head);
      this.zoomAt(x >= 0 && x <= this.view.width ? x : this.view.width / 2, factor);
    },

    showAll() {
      this.setView(0, this.total / Math.max(1, this.view.width));
    },

    showSeconds(start, end) {
      const rate = this.view.sampleRate;
      this.setView(start * rate, ((end - start) * rate) / Math.max(1, this.view.width));
    },

    reveal(start, stop) {
      if (stop < this.view.start || start > this.view.start + this.count) {
        this.setView((start + stop - this.count) / 2, this.view.samplesPerPixel);
      }
    },

    /** Move the playhead to the player's position; turn the page when playback leaves a zoomed view. */
    follow() {
      if (this.dragging) return;
      this.moveHead(player.position);
      const x = this.view.xOf(this.head);
      if (player.phase === "playing" && this.zoomed && (x > this.view.width || x < 0)) {
        this.setView(this.head, this.view.samplesPerPixel);
      }
    },

    moveHead(sample) {
      this.head = Math.max(0, Math.min(sample, this.total));
      this.headSecond = Math.floor(this.seconds(this.head));
      this.$refs.playhead.style.transform = `translateX(${this.view.xOf(this.head)}px)`;
    },

    // ---- drawing

    draw() {
      if (!this.$refs.canvas || !this.view.width) return;
      const stage = this.$refs.stage;
      this.moveHead(this.head);
      const context = fitCanvas(this.$refs.canvas, this.view.width, this.tall);
      if (this.track) {
        this.drawRuler(context, colorOf(stage, "var(--line)"), colorOf(stage, "var(--mute)"));
        if (this.pyramid) {
          const ready = Math.min(this.track.ready_samples ?? this.total, this.total);
          const scale = fullScale(this.pyramid.peak);
          const shape = { top: this.rulerTall, height: this.tall - this.rulerTall - FOOT_PX, ready, scale };
          context.globalAlpha = player.isAudible(this.track.id) ? 1 : SILENT_ALPHA;
          drawBars(context, this.pyramid, this.view, { ...shape, color: colorOf(stage, this.track.color) });
          context.globalAlpha = 1;
        }
      }
      this.strip.draw();
    },

    drawRuler(context, line, ink) {
      const { marks, digits } = ruler(this.view, this.view.sampleRate);
      context.font = `11px ${getComputedStyle(this.$refs.stage).fontFamily}`;
      for (const { time_s, x } of marks) {
        context.fillStyle = line;
        context.fillRect(Math.round(x), 0, 1, this.tall);
        context.fillStyle = ink;
        const label = clock(time_s, digits);
        if (x + 6 + context.measureText(label).width < this.view.width) context.fillText(label, x + 5, this.rulerTall / 2 + 3);
      }
    },

    updateChunk(index, state, fraction) {
      this.strip.update(index, state, fraction);
      if (this.cells[index]?.state !== state) this.cells = this.cells.with(index, { ...this.cells[index], state });
    },

    onStripHover(event) {
      this.chunkTitle = this.strip.describe(event.offsetX);
    },

    onStripClick(event) {
      const index = this.strip.at(event.offsetX);
      if (index >= 0) this.$emit("chunk", index);
    },

    // ---- gestures

    jump(sample) {
      player.seek(sample);
      this.moveHead(sample);
      this.$emit("seek", this.seconds(this.head));
    },

    /** Count the fingers, in the capture phase: before a layer can claim the gesture. */
    onFinger(event) {
      if (!this.track || event.button > 0) return;
      this.pointers.set(event.pointerId, event.clientX);
      this.view.pinching = this.pointers.size > 1;
      if (!this.view.pinching) return;
      this.dragging = false;
      this.$refs.stage.setPointerCapture(event.pointerId);
      event.stopPropagation();
    },

    onDown(event) {
      if (!this.pointers.has(event.pointerId)) return;
      this.$refs.stage.setPointerCapture(event.pointerId);
      this.dragging = true;
      this.moveHead(this.view.sampleAt(this.xOf(event)));
    },

    onMove(event) {
      const x = this.xOf(event);
      if (event.pointerType === "mouse") this.hover = x >= 0 && x <= this.view.width ? x : null;
      if (!this.pointers.has(event.pointerId)) return;
      if (this.pointers.size === 2) this.pinch(event);
      else if (this.dragging) this.moveHead(this.view.sampleAt(x));
      this.pointers.set(event.pointerId, event.clientX);
    },

    onUp(event) {
      const seeks = this.dragging && this.pointers.size === 1 && this.pointers.has(event.pointerId);
      this.onCancel(event);
      if (seeks) this.jump(this.view.sampleAt(this.xOf(event)));
    },

    onCancel(event) {
      this.pointers.delete(event.pointerId);
      this.view.pinching = this.pointers.size > 1;
      this.dragging = false;
      this.follow(); // it was where the hand lay
    },

    pinch(event) {
      const left = this.$refs.stage.getBoundingClientRect().left;
      const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, x]) => x);
      const before = Math.max(8, Math.abs(this.pointers.get(event.pointerId) - other));
      const after = Math.max(8, Math.abs(event.clientX - other));
      this.zoomAt((event.clientX + other) / 2 - left, after / before);
    },

    onWheel(event) {
      if (!this.track) return;
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
        this.setView(this.view.start + sideways * this.view.samplesPerPixel, this.view.samplesPerPixel);
      } else {
        this.zoomAt(this.xOf(event), Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)));
      }
    },

    onScroll(event) {
      if (!(event.buttons & 1) || this.pointers.size > 1) return;
      const box = this.$refs.scroll.getBoundingClientRect();
      const middle = ((event.clientX - box.left) / box.width) * this.total;
      this.setView(middle - this.count / 2, this.view.samplesPerPixel);
    },

    onKey(event) {
      if (!this.track || isTyping(event)) return;
      const rate = this.view.sampleRate;
      const position = player.position;
      const step = event.shiftKey ? 5 * rate : Math.max(rate / 100, 8 * this.view.samplesPerPixel);
      const keys = {
        ArrowLeft: () => this.jump(position - step),
        ArrowRight: () => this.jump(position + step),
        PageDown: () => this.jump(position - 10 * rate),
        PageUp: () => this.jump(position + 10 * rate),
        Home: () => this.jump(0),
        End: () => this.jump(this.total),
        "+": () => this.zoomBy(2),
        "=": () => this.zoomBy(2),
        "-": () => this.zoomBy(0.5),
        0: () => this.showAll(),
      };
      if (!keys[event.key]) return;
      keys[event.key]();
      event.preventDefault();
      event.stopPropagation(); // while the waveform has the focus, the page's own keys do not react
    },

    xOf(event) {
      return event.clientX - this.$refs.stage.getBoundingClientRect().left;
    },
  },
};
