// The line under the waveform: a hint, or the editor of the chosen span: exact times, sign, and a loop around it.
import { player } from "audio-playground-player";
import { parseTime, shown } from "./span_list.js";

const FOLLOW_MS = 120; // the loop follows an edge that has not moved for this long

export const SpanBar = {
  template: `
    <div class="span-bar" role="group" aria-label="Span">
      <template v-if="span">
        <button type="button" class="span-sign" :class="{ minus: span.sign === '-' }" @click="flip"
                :aria-label="span.sign === '-' ? 'Not here' : 'Here'"
                data-tip="+ the sound is here, − it is not; press to change">{{ shown(span.sign) }}</button>
        <input v-for="(label, edge) in { a: 'Start', b: 'End' }" :key="edge" class="span-time"
               :aria-label="label + ' of the span'" :value="grid.text(span[edge])" :aria-invalid="wrong === edge"
               autocomplete="off" spellcheck="false" data-tip="A time such as 1.2 or 1:02.5"
               @focus="$event.target.select()" @change="type($event, edge)" @keydown="onKey($event, edge)">
        <button type="button" class="toggle i i-loop" :class="{ on: looping }" :aria-pressed="looping"
                aria-label="Loop this span" data-tip="Play only this span, again and again, while you adjust it"
                @click="setLoop(!looping)"></button>
        <button type="button" class="icon-button i i-trash" aria-label="Delete the span" data-tip="Delete the span (Delete)"
                @click="$emit('remove')"></button>
      </template>
      <span class="mute small" :class="{ warn: problem }" role="status">{{ problem || words }}</span>
    </div>`,

  props: { span: Object, grid: Object, rate: Number, words: String },
  emits: ["edit", "remove", "leave"],

  data() {
    return { looping: false, problem: "", wrong: "" };
  },

  computed: {
    region() {
      return this.span && [this.span.a, this.span.b].map((k) => Math.round(this.grid.time(k) * this.rate));
    },
  },

  watch: {
    "span.uid"() {
      this.problem = this.wrong = "";
    },
    region(now, before) {
      if (!this.looping || `${now}` === `${before}`) return;
      clearTimeout(this.following);
      this.following = setTimeout(() => this.looping && this.setLoop(!!this.span), FOLLOW_MS);
    },
  },

  mounted() {
    this.end = player.on("loop", () => {
      const { on, start, end } = player.loop; // another control may have set it
      if (!on || `${[start, end]}` !== `${this.looped}`) this.looping = false;
    });
  },
  beforeUnmount() {
    if (this.looping) this.setLoop(false);
    this.end();
  },

  methods: {
    shown,

    flip() {
      this.$emit("edit", { ...this.span, sign: this.span.sign === "+" ? "-" : "+" });
    },

    setLoop(on) {
      this.looping = on;
      this.looped = on ? this.region : [];
      player.setLoop(on, ...this.looped);
      const [start, end] = this.looped;
      if (on && (player.position < start || player.position >= end)) player.seek(start);
    },

    onKey(event, edge) {
      if (event.key === "Enter") this.type(event, edge);
      if (event.key !== "Escape") return;
      event.target.value = this.grid.text(this.span[edge]);
      this.problem = this.wrong = "";
      this.$emit("leave");
    },

    /** Take over a typed time, or say why it does not fit. */
    type({ target }, edge) {
      const { grid, span } = this;
      const time_s = parseTime(target.value);
      const to = { ...span, [edge]: grid.nearest(time_s ?? 0), cut: false };
      this.problem = "";
      if (time_s === null) this.problem = `“${target.value}” is not a time: write 1.2 or 1:02.5.`;
      else if (time_s > grid.duration_s + grid.unit_s) this.problem = `The recording ends at ${grid.text(grid.count)}.`;
      else if (to.a >= to.b) this.problem = "A span has to end after its start.";
      this.wrong = this.problem && edge;
      if (this.problem) return;
      target.value = grid.text(to[edge]);
      this.$emit("edit", to);
    },
  },
};
