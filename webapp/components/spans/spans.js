// The layer of waveform.js in which spans are drawn, moved and typed: passages where a prompt's sound is, or is not.
//
// `live` is the gesture under way, {kind, from, to}: `from` is the span of the list that it began with, `to` is that
// span as it would become. The list itself changes only when the gesture ends.
import { changes, page } from "audio-playground-changes";
import { isTyping, player } from "audio-playground-player";
import { SpanBar } from "audio-playground-spans/span_bar.js";
import {
  Grid, History, changed, describe, difference, read, replaced, same, shown,
} from "audio-playground-spans/span_list.js";

const CLICK_PX = 4; // a pointer that moves less than this has clicked
const BURST_MS = 600; // key presses that follow each other faster than this are one step to undo
const NEW_S = 1; // length of a span that is made at the playhead

export default {
  template: `
    <div class="spans" :class="[live?.kind, { painting: paints }]" @pointerdown="onDown" @pointermove="onMove"
         @pointerup="onUp" @pointercancel="drop" @lostpointercapture="drop">
      <i v-for="span in others" class="span faint" :class="{ minus: span.sign === '-' }" :style="box(span)"></i>
      <div role="group" :aria-label="'Spans of ' + sound">
        <div v-for="span in own" :key="span.uid" :data-uid="span.uid" class="span" :style="box(span)"
             :class="{ minus: span.sign === '-', chosen: span.uid === chosen, first: !span.a, last: span.b === grid.count }"
             tabindex="0" role="slider" :aria-label="name(span)" :aria-valuetext="grid.range(span, 'to')" aria-valuemin="0"
             :aria-valuemax="grid.duration_s" :aria-valuenow="grid.time(span.a)" :aria-description="notes[span.uid]"
             :data-tip="span.uid === chosen ? null : notes[span.uid]"
             @focus="choose(span)" @blur="settle" @keydown="onKey($event, span)">
          <b>{{ shown(span.sign) }}</b><i class="edge" data-edge="a"></i><i class="edge" data-edge="b"></i>
        </div>
      </div>
      <span v-if="live?.to" class="span-label" :style="beside(live.to)">{{ notes[live.to.uid] }}</span>
      <Teleport v-if="bench && grid.count && prompts.length" :to="bench">
        <span-bar :span="one" :grid="grid" :rate="view.sampleRate" :words="words" :style="{ '--stem': colorOf(sound) }"
                  @edit="change" @remove="remove(one)" @leave="focus(chosen)"></span-bar>
      </Teleport>
    </div>`,

  components: { SpanBar },
  mixins: [changes],
  props: {
    spans: { type: Array, default: () => [] },
    prompts: { type: Array, default: () => [] },
    selected: String,
    duration: Number,
    frame: Number,
    recording: String,
  },
  inject: { view: { from: "waveView" } },
  emits: ["history"],

  data() {
    return { list: [], lost: 0, live: null, chosen: null, bench: null };
  },

  computed: {
    grid() {
      return new Grid(this.duration, this.frame);
    },
    paints() {
      return { plus: "+", minus: "-" }[page.tool];
    },
    /** The prompt whose spans can be changed: the one that is drawn as selected, if any can be. */
    sound() {
      return this.selected && (page.selected ?? this.selected);
    },
    /** The spans of the server with the changes of this page, in seconds. */
    kept() {
      return this.unconfirmed.filter(({ recording }) => recording === this.recording).reduce(changed, this.spans);
    },
    /** The spans as they look during a gesture. */
    all() {
      const { from, to } = this.live ?? {};
      if (!to) return this.list;
      const stays = this.list.some(({ uid }) => uid === from?.uid); // the server may have removed it meanwhile
      return stays ? this.list.map((span) => (span.uid === from.uid ? to : span)) : [...this.list, to];
    },
    own() {
      return this.all.filter((span) => span.prompt === this.sound);
    },
    others() {
      return this.all.filter((span) => span.prompt !== this.sound && this.colorOf(span.prompt));
    },
    one() {
      return this.own.find((span) => span.uid === this.chosen);
    },
    /** The description of each span, by uid; it does not depend on the zoom. */
    notes() {
      return Object.fromEntries(this.own.map((span) => [span.uid, describe(this.own, span, this.grid)]));
    },
    words() {
      if (this.one) return this.notes[this.one.uid];
      if (this.lost) return `${this.lost} of the spans mark no frame of this recording: the model leaves them out.`;
      if (!this.sound) return "Choose a sound, then mark where it is.";
      const keys = matchMedia("(pointer: coarse)").matches ? "" : ", or press Y or N at the playhead";
      if (!this.paints) return `Mark where “${this.sound}” is: drag with + or −${keys}.`;
      return `Drag over the waveform where “${this.sound}” is${this.paints === "-" ? " not" : ""}.`;
    },
  },

  watch: {
    kept: "adopt",
    grid: "adopt",
    recording: "adopt",
    sound() {
      this.settle();
    },
    "view.pinching"(pinching) {
      if (pinching) this.drop();
    },
  },

  created() {
    this.histories = new Map(); // recording -> History
    this.nextUid = 0;
    this.adopt();
  },
  mounted() {
    this.bench = this.$el.closest(".wave");
    this.onPageKey = this.onPageKey.bind(this);
    document.addEventListener("keydown", this.onPageKey, true);
    this.steps = { "spans-undo": () => this.undo(), "spans-redo": () => this.undo("redo") }; // of the page's buttons
    Object.entries(this.steps).forEach(([name, act]) => window.addEventListener(name, act));
  },
  beforeUnmount() {
    this.settle();
    document.removeEventListener("keydown", this.onPageKey, true);
    Object.entries(this.steps).forEach(([name, act]) => window.removeEventListener(name, act));
  },

  methods: {
    shown,

    // ---- the list, here and on the server

    adopt() {
      const other = this.recording !== this.adopted;
      if (other) Object.assign(this, { adopted: this.recording, live: null, chosen: null });
      const { spans, lost } = read(this.kept, this.grid);
      this.lost = lost;
      this.list = this.named(spans);
      if (other && this.bench) this.tellHistory();
    },

    /** Give each span a `uid` that identifies it; spans equal to known ones keep theirs. */
    named(spans) {
      const free = [...this.list];
      return spans.map((span) => {
        const i = free.findIndex((known) => (span.uid ? known.uid === span.uid : same(known, span)));
        const uid = span.uid ?? (i < 0 ? ++this.nextUid : free[i].uid);
        if (i >= 0) free.splice(i, 1);
        return { ...span, uid };
      });
    },

    edit(from, to) {
      if (from && to && same(from, to)) return;
      const next = this.named(replaced(this.list, from, to));
      this.history().push(this.list, next);
      this.send(next);
    },

    send(next) {
      const change = difference(this.kept, this.list, next, this.grid);
      this.list = next;
      this.make({ ...change, recording: this.recording });
      this.tellHistory();
    },

    history() {
      if (!this.histories.has(this.recording)) this.histories.set(this.recording, new History());
      return this.histories.get(this.recording);
    },

    tellHistory() {
      const { past, future } = this.history();
      this.$emit("history", { undo: past.length > 0, redo: future.length > 0 });
    },

    undo(step = "undo") {
      this.drop();
      this.settle();
      const next = this.history()[step](this.list);
      if (next) this.send(this.named(next));
    },

    // ---- gestures

    onDown(event) {
      const hit = this.own.find(({ uid }) => uid === Number(event.target.closest("[data-uid]")?.dataset.uid));
      const edge = event.target.dataset.edge;
      // A press on a span grabs it, except that the brush paints inside a span of the other sign, away from its edges.
      const paint = this.paints && !edge && hit?.sign !== this.paints;
      if (event.button > 0 || !this.grid.count || (!hit && !(paint && this.sound))) return;
      event.stopPropagation();
      this.settle();
      this.$el.setPointerCapture(event.pointerId);
      const from = paint ? null : this.list.find(({ uid }) => uid === hit.uid);
      const kind = paint ? "paint" : (edge ?? "move");
      this.live = { kind, from, to: null, hit, pointer: event.pointerId, x: event.clientX, at: this.timeAt(event) };
    },

    onMove(event) {
      const { live, grid } = this;
      if (live?.pointer !== event.pointerId || (!live.to && Math.abs(event.clientX - live.x) < CLICK_PX)) return;
      const time_s = this.timeAt(event);
      if (live.kind !== "paint") {
        live.to = grid.moved(live.from, live.kind, Math.round((time_s - live.at) / grid.unit_s));
        return;
      }
      const [start, end] = [live.at, time_s].sort((x, y) => x - y).map((s) => grid.nearest(s));
      const a = Math.min(start, grid.count - 1);
      const uid = live.to?.uid ?? ++this.nextUid;
      live.to = { prompt: this.sound, sign: this.paints, a, b: Math.max(end, a + 1), uid };
    },

    onUp(event) {
      const { live } = this;
      if (live?.pointer !== event.pointerId) return;
      this.live = null;
      if (live.to) this.edit(live.from, live.to);
      else if (!live.hit) player.seek(live.at * this.view.sampleRate);
      this.focus((live.to ?? live.hit)?.uid);
    },

    /** Cancel the pointer's gesture. */
    drop() {
      if (this.live?.pointer !== undefined) this.live = null;
    },

    nudge(span, kind, by) {
      if (this.live?.pointer !== undefined) return;
      const from = this.live?.from ?? this.list.find(({ uid }) => uid === span.uid);
      this.live = { kind: "keys", from, to: this.grid.moved(span, kind, by) };
      this.show(this.live.to);
      clearTimeout(this.burst);
      this.burst = setTimeout(() => this.settle(), BURST_MS);
    },

    /** End a series of key presses and make one step of it. */
    settle() {
      if (this.live?.kind !== "keys") return;
      const { from, to } = this.live;
      const focused = document.activeElement?.dataset?.uid === String(to.uid);
      this.live = null;
      this.edit(from, to);
      if (focused) this.focus(to.uid); // sorting may have moved its element, which then loses the focus
    },

    remove(span) {
      this.settle();
      const at = this.own.findIndex(({ uid }) => uid === span.uid);
      const next = this.own[at + 1] ?? this.own[at - 1];
      this.edit(span);
      this.focus(next?.uid);
    },

    /** Replace the chosen span by `to`. */
    change(to) {
      this.settle();
      this.edit(this.one, to);
    },

    /** Add a span at the playhead. */
    mark(sign) {
      this.settle();
      const { grid } = this;
      const length = Math.min(grid.count, Math.round(NEW_S / grid.unit_s));
      const a = Math.min(grid.nearest(player.position / this.view.sampleRate), grid.count - length);
      const span = { prompt: this.sound, sign, a, b: a + length, uid: ++this.nextUid };
      this.edit(null, span);
      this.focus(span.uid);
    },

    // ---- keys

    onKey(event, span) {
      if (event.ctrlKey || event.metaKey || (event.altKey && !/^Arrow(Up|Down)$/.test(event.key))) return;
      const n = event.shiftKey ? 10 : 1;
      const edge = event.altKey ? "a" : "b";
      const keys = {
        ArrowLeft: () => this.nudge(span, "move", -n),
        ArrowRight: () => this.nudge(span, "move", n),
        ArrowUp: () => this.nudge(span, edge, n),
        ArrowDown: () => this.nudge(span, edge, -n),
        Delete: () => this.remove(span),
        Backspace: () => this.remove(span),
        "+": () => this.change({ ...span, sign: "+" }),
        "=": () => this.change({ ...span, sign: "+" }),
        "-": () => this.change({ ...span, sign: "-" }),
        Enter: () => this.bench.querySelector(".span-time").focus(),
        Escape: () => this.focus(),
      };
      if (!keys[event.key]) return;
      keys[event.key]();
      event.preventDefault();
      event.stopPropagation();
    },

    onPageKey(event) {
      if (event.key === "Escape" && this.live?.pointer !== undefined) {
        this.drop();
        event.stopPropagation();
      }
      const { target, isComposing } = event;
      if (isTyping({ target, isComposing }) || !this.$el.checkVisibility() || !this.grid.count) return;
      const key = event.key?.toLowerCase();
      if ((event.ctrlKey || event.metaKey) && !event.altKey && (key === "z" || key === "y")) {
        this.undo(key === "y" || event.shiftKey ? "redo" : "undo");
      } else if ((key === "y" || key === "n") && this.selected && !isTyping(event) && !event.repeat) {
        if (document.querySelector(".q-menu, .q-dialog")) return; // in menus, letters choose
        this.mark(key === "y" ? "+" : "-");
      } else return;
      event.preventDefault();
    },

    // ---- the chosen span, and drawing

    choose({ uid }) {
      this.chosen = uid;
      if (this.one) this.show(this.one);
    },

    /** Choose a span and focus it; without one, focus the waveform. */
    focus(uid = null) {
      this.chosen = uid;
      const place = uid ? `[data-uid="${uid}"]` : ".wave-slider";
      this.$nextTick(() => this.bench.querySelector(place)?.focus({ preventScroll: true }));
    },

    show(span) {
      const [start, end] = [span.a, span.b].map((k) => this.grid.time(k) * this.view.sampleRate);
      this.view.reveal(start, end);
    },

    name(span) {
      return `${shown(span.sign)} ${span.prompt}, ${this.grid.range(span, "to")}`;
    },

    colorOf(prompt) {
      return this.prompts.find(({ text }) => text === prompt)?.color;
    },

    x(k) {
      return this.view.xOf(this.grid.time(k) * this.view.sampleRate);
    },
    box(span) {
      const [left, right] = [this.x(span.a), this.x(span.b)];
      return { left: left + "px", width: right - left + "px", "--stem": this.colorOf(span.prompt) };
    },
    /** The style that places the label of a gesture beside its span. */
    beside(span) {
      return { left: `max(4px, min(${this.x(span.a)}px, 100% - 294px))` };
    },

    timeAt(event) {
      return this.view.sampleAt(event.clientX - this.$el.getBoundingClientRect().left) / this.view.sampleRate;
    },
  },
};
