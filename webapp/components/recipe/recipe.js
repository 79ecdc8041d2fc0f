// The settings as text: copied with one press, pasted into a field where mistakes are said with their line.

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
      const field = document.createElement("textarea");
      try {
        await navigator.clipboard.writeText(this.text);
      } catch {
        // Only https and this computer itself have a clipboard; the old way works everywhere.
        field.value = this.text;
        document.body.append(field);
        field.select();
        document.execCommand("copy");
        field.remove();
      }
      this.copied = true;
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

    /** What the server says: "" if the recipe is used now. */
    answer(refusal) {
      this.refusal = refusal;
      if (refusal) return;
      this.pasted = "";
      this.$refs.dialog.close();
    },
  },
};
