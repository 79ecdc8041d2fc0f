// The button that starts a run. It counts the prompts that are drawn, and a press is sent after them, never before.
import { changes, page } from "audio-playground-changes";

export default {
  template: `
    <button type="button" class="button primary grow" :disabled="!can" :data-tip="tip" @click="make('press')">{{
      label }}</button>`,

  mixins: [changes],
  props: { words: String, ready: Boolean, asks: Boolean, tip: String },

  computed: {
    /** The number of prompts, where nothing but them decides whether there can be a run. */
    count() {
      return this.asks ? page.prompts?.length : undefined;
    },
    label() {
      if (this.count === undefined) return this.words;
      return this.count ? `Separate ${this.count} sound${this.count === 1 ? "" : "s"}` : "Name a sound first";
    },
    can() {
      return !this.unconfirmed.length && (this.count === undefined ? this.ready : this.count > 0);
    },
  },
};
