// The recipe: a button copies the settings as text; a dialog takes pasted text and shows its mistakes with their lines.
import { copyText } from "audio-playground-copying";

export default {
  template: `
    <div class="recipe">
      <button type="button" class="button plain i i-copy" :disabled="!text" @click="copy"
              data-tip="All settings as YAML, for the command line, a workflow, or somebody else">
        {{ copied ? "Copied" : "Copy recipe" }}</button>
      <button type="button" class="button plain" @click="open"
              data-tip="Takes prompts, spans and all settings from a recipe">Paste recipe</button>
      <span class="sr-only" role="status">{{ copied ? "The recipe is copied" : "" }}</span>
      <dialog ref="dialog" class="box-dialog recipe-dialog" aria-label="Recipe" @keydown.stop>
        <form method="dialog" @submit.prevent="apply">
          <h2>Recipe</h2>
          <p class="mute">YAML as “Copy recipe” and the command line write it. What it leaves out is at its default.</p>
          <textarea ref="field" v-model="pasted" rows="14" spellcheck="false" aria-label="Recipe as YAML"
                    placeholder="prompts:&#10;- text: drums"></textarea>
          <p v-if="refusal" class="warn" role="alert">{{ refusal }}</p>
          <p class="recipe-actions">
            <button type="button" class="button" @click="$refs.dialog.close()">Cancel</button>
            <button type="submit" class="button primary" :disabled="!pasted.trim()">Use it</button>
          </p>
        </form>
      </dialog>
    </div>`,

  props: { text: String },
  emits: ["paste"],
  data: () => ({ copied: false, pasted: "", refusal: "" }),

  methods: {
    async copy() {
      this.copied = await copyText(this.text);
      setTimeout(() => (this.copied = false), 2000);
    },

    open() {
      this.refusal = "";
      this.$refs.dialog.showModal();
      this.$refs.field.focus();
    },

    apply() {
      this.$emit("paste", this.pasted);
    },

    /** Called from Python after a paste: shows why the recipe was refused, or closes the dialog if `refusal` is "". */
    answer(refusal) {
      this.refusal = refusal;
      if (refusal) return;
      this.pasted = "";
      this.$refs.dialog.close();
    },
  },
};
