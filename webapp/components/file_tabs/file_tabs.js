// Files that were brought together: a tab for each with how far it is. What is pressed shows at once: the tab that is
// opened is marked, one that is taken off the list is gone. What can be done with all of them stands in the slot.
import { changes, page } from "audio-playground-changes";

export default {
  template: `
    <nav v-if="shown.length > 1" class="file-tabs" aria-label="Files brought together" :aria-busy="unconfirmed.length > 0">
      <div class="file-tabs-list">
        <span v-for="file in shown" :key="file.id" class="file-tab" :class="[file.look, { on: file.id === open }]">
          <button type="button" class="file-tab-body" :aria-current="file.id === open ? 'true' : null" :disabled="!file.ready"
                  :data-tip="file.name" @click="make({ open: file.id })">
            <b>{{ file.name }}</b>
            <span class="small num">{{ file.words }}</span>
            <progress v-if="file.fraction !== undefined" :max="1" :value="file.fraction" aria-hidden="true"></progress>
          </button>
          <button type="button" class="chip-remove i i-close" :aria-label="'Take ' + file.name + ' off this list'"
                  data-tip="Takes it off this list; the library keeps it" @click="make({ remove: file.id })"></button>
        </span>
      </div>
      <slot></slot>
    </nav>`,

  mixins: [changes],
  props: { files: { type: Array, default: () => [] }, current: { type: String, default: "" } },

  watch: {
    shown: {
      immediate: true,
      handler(files) {
        page.nFiles = files.filter((file) => file.look !== "bad").length;
      },
    },
    open: {
      flush: "post",
      handler() {
        this.$el.querySelector?.(".file-tab.on")?.scrollIntoView({ block: "nearest", inline: "nearest" });
      },
    },
  },

  computed: {
    shown() {
      const gone = new Set(this.unconfirmed.map((change) => change.remove));
      return this.files.filter((file) => !gone.has(file.id));
    },
    open() {
      return this.unconfirmed.reduce((open, change) => change.open ?? open, this.current);
    },
  },
};
