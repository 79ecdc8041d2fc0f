// The button that separates all files alike. It goes by the tabs and prompts that are drawn, as the run button does.
import { changes, page } from "audio-playground-changes";

export default {
  template: `
    <button type="button" class="button" :disabled="!can" :aria-busy="unconfirmed.length > 0" @click="press"
            data-tip="The same sounds and settings for each file, one after another. Painted spans stay with their recording.">
      {{ label }}</button>`,

  mixins: [changes],
  props: { ready: Boolean },

  methods: {
    press() {
      page.takeTyped?.();
      this.make("press");
    },
  },

  computed: {
    can() {
      return this.ready && !this.unconfirmed.length && page.prompts?.length > 0;
    },
    label() {
      return page.prompts?.length ? `Separate all ${page.nFiles} the same way` : "Name a sound to separate all";
    },
  },
};
