// Mixes under names: a press recalls one, in the browser and at once; a field keeps the present one under a name.
import { changes } from "audio-playground-changes";
import { player } from "audio-playground-player";

const MOST = 60; // letters of a name

/** Return the saved mixes after a change, the newest last; `webapp/state/mixers.py` does the same. */
function changed(saved, { save, levels, remove }) {
  const others = saved.filter(({ name }) => name !== (save ?? remove));
  return save ? [...others, { name: save, levels }] : others;
}

const alike = (one, other) => Object.keys(one).every((key) => one[key] === other[key]);

export default {
  template: `
    <div class="mixes" role="group" aria-label="Mixes" :aria-busy="unconfirmed.length > 0">
      <span class="chip-list">
        <button v-for="mix in usual" :key="mix.name" type="button" class="toggle" :class="{ on: isOn(mix) }"
                :aria-pressed="isOn(mix)" @click="recall(mix)">{{ mix.name }}</button>
        <span v-for="mix in own" :key="mix.name" class="chip" :class="{ on: isOn(mix) }" style="--stem: var(--accent)">
          <button type="button" class="chip-body" :aria-pressed="isOn(mix)" @click="recall(mix)">
            <i class="dot"></i><span>{{ mix.name }}</span></button>
          <button type="button" class="chip-remove i i-close" :aria-label="'Remove ' + mix.name"
                  :data-tip="'Deletes ' + mix.name" @click="remove(mix)"></button>
        </span>
      </span>
      <input ref="field" v-model="typed" type="text" class="prompt-input mix-name" maxlength="${MOST}" enterkeyhint="done"
             autocomplete="off" placeholder="Save this mix as…" aria-label="Save this mix as…"
             data-tip="Saves gain, pan, mute and solo of every sound under a name. Press Enter."
             @keydown.enter.prevent="save" />
    </div>`,

  mixins: [changes],
  props: {
    usual: { type: Array, default: () => [] }, // {name, levels}: mixer settings by the name of a sound
    saved: { type: Array, default: () => [] },
    tracks: { type: Array, default: () => [] }, // {id, sound} of each track that is shown
  },

  data: () => ({ typed: "", now: {} }), // `now`: the mixer settings by the name of a sound

  computed: {
    own() {
      return this.unconfirmed.reduce(changed, this.saved);
    },
  },

  mounted() {
    this.ends = [player.on("mix", () => this.read()), player.on("tracks", () => this.read())];
    this.read();
  },
  beforeUnmount() {
    this.ends.forEach((end) => end());
  },
  watch: {
    tracks: "read",
  },

  methods: {
    read() {
      const known = this.tracks.filter(({ id }) => player.voices.has(id)); // others come in this frame
      this.now = Object.fromEntries(known.map(({ id, sound }) => [sound, { ...player.mixOf(id) }]));
    },

    /** Whether the sounds of a mix that are shown stand as it says. */
    isOn({ levels }) {
      const shown = Object.keys(levels).filter((sound) => sound in this.now);
      return shown.length > 0 && shown.every((sound) => alike(levels[sound], this.now[sound]));
    },

    /** Set the mixer; sounds that the mix does not contain keep their settings. */
    recall({ levels }) {
      const rows = this.tracks.filter(({ sound }) => sound in levels);
      player.emit("recall", rows.map(({ id, sound }) => ({ id, ...levels[sound] })));
    },

    save() {
      const name = this.typed.split(/\s+/).filter(Boolean).join(" ").slice(0, MOST);
      this.typed = "";
      if (name) this.make({ save: name, levels: this.now });
    },

    remove({ name }) {
      this.make({ remove: name });
      this.$refs.field.focus(); // the button that had the focus does not exist any more
    },
  },
};
