// A segmented control: a few choices side by side, one of them on. It is a radio group with one tab stop.
import { changes, page } from "audio-playground-changes";

export default {
  template: `
    <div class="seg" :class="{ full }" role="radiogroup" :aria-label="label" @keydown="onKey">
      <button v-for="option in options" :key="option.value" type="button" role="radio" ref="buttons"
              :aria-checked="option.value === chosen" :tabindex="option.value === stop ? 0 : -1"
              :class="{ on: option.value === chosen }" :aria-disabled="option.disabled"
              :data-tip="option.tip || null" @click="choose(option)">
        {{ option.label }}
      </button>
    </div>`,

  mixins: [changes],
  props: { options: { type: Array, default: () => [] }, value: String, label: String, full: Boolean, publish: String },

  computed: {
    chosen() {
      return this.unconfirmed.at(-1) ?? this.value;
    },
    /** The value of the button that the Tab key reaches. */
    stop() {
      return this.options.some((option) => option.value === this.chosen) ? this.chosen : this.options[0]?.value;
    },
  },

  watch: {
    chosen: {
      immediate: true,
      handler(value) {
        if (this.publish) page[this.publish] = value;
      },
    },
  },

  methods: {
    choose(option) {
      if (!option.disabled && option.value !== this.chosen) this.make(option.value);
    },

    onKey(event) {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      const from = this.$refs.buttons.indexOf(event.target);
      const n = this.options.length;
      for (let k = 1; k <= n; k++) {
        const to = (from + step * k + n * k) % n;
        if (this.options[to].disabled) continue;
        this.$refs.buttons[to].focus();
        this.choose(this.options[to]);
        break;
      }
      event.preventDefault();
    },
  },
};
