// The dialog of keyboard shortcuts, opened with "?".
import { isTyping, setSingleKeys, singleKeys } from "audio-playground-player";

export default {
  template: `
    <span class="keymap">
      <button type="button" class="icon-button i i-help hide-phone" aria-label="Keys" data-tip="What the keys do (?)"
              @click="open"></button>
      <dialog ref="dialog" class="box-dialog" aria-label="Keys" @click.self="$refs.dialog.close()">
        <h2>Keys</h2>
        <div class="keymap-groups">
          <section v-for="group in groups" :key="group.title">
            <h3 class="group">{{ group.title }}</h3>
            <dl><template v-for="[keys, words] in group.keys" :key="keys">
              <dt><kbd v-for="key in keys.split(' ')">{{ key }}</kbd></dt><dd>{{ words }}</dd>
            </template></dl>
          </section>
        </div>
        <label class="line"><input type="checkbox" :checked="single" @change="switchKeys">
          Single-key shortcuts</label>
        <p class="recipe-actions"><button type="button" class="button" @click="$refs.dialog.close()">Close</button></p>
      </dialog>
    </span>`,

  props: { groups: { type: Array, default: () => [] } },

  data: () => ({ single: singleKeys() }),

  mounted() {
    this.onKey = (event) => {
      if (event.key !== "?" || isTyping(event)) return;
      this.open();
      event.preventDefault();
    };
    document.addEventListener("keydown", this.onKey);
  },
  beforeUnmount() {
    document.removeEventListener("keydown", this.onKey);
  },

  methods: {
    switchKeys(event) {
      this.single = event.target.checked;
      setSingleKeys(this.single);
    },

    open() {
      const { dialog } = this.$refs;
      if (!dialog.open) dialog.showModal();
    },
  },
};
