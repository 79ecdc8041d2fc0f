// A button that copies a given text and says for two seconds whether that worked.
import { copyText } from "audio-playground-copying";

export default {
  template: `
    <button type="button" class="button plain i i-copy" :data-tip="tip || null" @click="copy">{{ answer || label }}</button>`,

  props: { label: String, text: String, tip: String },
  data: () => ({ answer: "" }),

  methods: {
    async copy() {
      this.answer = (await copyText(this.text)) ? "Copied" : "This browser does not copy";
      setTimeout(() => (this.answer = ""), 2000);
    },
  },
};
