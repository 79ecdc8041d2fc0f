// The button that starts a run. It counts the prompts that are drawn, and the one that is being typed, which a press makes
// one of them; a press is sent after them, never before. Where what the prompts ask for is heard already, its slot stands
// there instead, until other prompts are drawn.
import { changes, page } from "audio-playground-changes";

export default {
  template: `
    <div class="run-place" :aria-busy="unconfirmed.length > 0">
      <slot v-if="isHeard"></slot>
      <button v-else type="button" class="button run" :class="{ primary: verb !== 'Queue' }" :disabled="!can"
              :data-tip="tip" @click="press">{{ label }}</button>
    </div>`,

  mixins: [changes],
  props: { words: String, ready: Boolean, verb: String, heard: { type: Array, default: () => [] }, tip: String },

  mounted() {
    this.onKey = this.onKey.bind(this);
    document.addEventListener("keydown", this.onKey);
  },
  beforeUnmount() {
    document.removeEventListener("keydown", this.onKey);
  },

  methods: {
    press() {
      page.takeTyped?.();
      this.make("press");
    },

    /** Ctrl and Enter run, once what was being typed is a prompt, too. */
    onKey(event) {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.repeat) return;
      if (event.target.closest?.("dialog, .q-dialog")) return; // it has an Enter of its own
      event.preventDefault();
      this.$nextTick(() => {
        if (this.can && !this.isHeard && this.$el.checkVisibility()) this.press();
      });
    },
  },

  computed: {
    isHeard() {
      const drawn = page.prompts ?? this.heard;
      return this.heard.length > 0 && drawn.length === this.heard.length && drawn.every((text, i) => text === this.heard[i]);
    },
    /** The number of prompts, where nothing but them decides whether there can be a run. */
    count() {
      return this.verb ? page.prompts?.length : undefined;
    },
    label() {
      if (this.count === undefined) return this.words;
      return this.count ? `${this.verb} ${this.count} sound${this.count === 1 ? "" : "s"}` : "Name a sound first";
    },
    can() {
      return !this.unconfirmed.length && (this.count === undefined ? this.ready : this.count > 0);
    },
  },
};
