// The layer of waveform.js with a mark for each note, and below the waveform the notes in words.
import { changes } from "audio-playground-changes";
import { clock, isTyping, player } from "audio-playground-player";

const MOST = 300; // letters

/** Return the notes after a change, in the order of their times; `webapp/state/kept/notes.py` does the same. */
function changed(notes, { add, edit, text, remove }) {
  if (add) return notes.some(({ id }) => id === add.id) ? notes : [...notes, add].sort((x, y) => x.time_s - y.time_s);
  if (edit) return notes.map((note) => (note.id === edit ? { ...note, text } : note));
  return notes.filter(({ id }) => id !== remove);
}

/** Draw an id; `crypto.randomUUID` is missing on plain http addresses. */
function drawId() {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export default {
  template: `
    <div class="note-marks" aria-hidden="true">
      <i v-for="note in shown" :key="note.id" class="note-mark" :style="{ left: x(note) + 'px', '--stem': colorOf(note) }"
         :data-tip="clock(note.time_s, 1) + ' ' + note.text" @pointerdown.stop @click="go(note)"></i>
      <Teleport v-if="bench && recording" :to="bench">
        <section class="notes" aria-label="Notes" :aria-busy="unconfirmed.length > 0">
          <form v-if="writing" class="note-form" aria-label="New note" @submit.prevent="save" @keydown.esc.stop="leave">
            <span class="num">{{ clock(writing.time_s, 1) }}</span>
            <input ref="field" v-model="writing.text" class="prompt-input" maxlength="${MOST}" autocomplete="off"
                   enterkeyhint="done" placeholder="what you hear here…"
                   :aria-label="'Note at ' + clock(writing.time_s, 1)" />
            <label v-if="writing.side" class="note-choice" data-tip="Otherwise it belongs to the time alone, whichever side is heard">
              <input v-model="writing.pinned" type="checkbox" /> on side {{ writing.side.side }}</label>
            <button type="submit" class="button" :disabled="!writing.text.trim()">Pin</button>
            <button type="button" class="button plain" @click="leave">Cancel</button>
          </form>
          <div v-else class="note-form">
            <button ref="adder" type="button" class="button i i-pin" @click="begin"
                    data-tip="Pins what you hear to this time (N)">Note</button>
            <span v-if="deleted" class="mute small">Note deleted.</span>
            <button v-if="deleted" ref="undoer" type="button" class="button plain i i-undo" @click="undo">Undo</button>
            <span v-else-if="!shown.length" class="mute small">Pin what you hear to a time: key N at the playhead.</span>
          </div>
          <ol v-if="shown.length" class="note-list">
            <li v-for="note in shown" :key="note.id" class="note" :data-id="note.id" :style="{ '--stem': colorOf(note) }">
              <button type="button" class="note-time num" :aria-label="'Go to ' + clock(note.time_s, 1) + ': ' + note.text"
                      data-tip="Jumps there" @click="go(note)">{{ clock(note.time_s, 1) }}</button>
              <form v-if="editing?.id === note.id" class="note-form" @submit.prevent="change" @keydown.esc.stop="stop">
                <input ref="editor" v-model="editing.text" class="prompt-input" maxlength="${MOST}" autocomplete="off"
                       enterkeyhint="done" :aria-label="'Note at ' + clock(note.time_s, 1)" />
                <button type="submit" class="button" :disabled="!editing.text.trim()">Save</button>
                <button type="button" class="button plain" @click="stop">Cancel</button>
              </form>
              <template v-else>
                <b v-if="sideOf(note)" class="note-side"><span class="sr-only">Side </span>{{ sideOf(note).side }}</b>
                <span class="note-text">{{ note.text }}
                  <span v-if="note.source && !sideOf(note)" class="mute small">{{ note.label }}</span></span>
                <button type="button" class="icon-button i i-rename" :aria-label="'Edit ' + note.text" data-tip="Edit"
                        @click="edit(note)"></button>
                <button type="button" class="icon-button i i-trash" :aria-label="'Delete ' + note.text"
                        data-tip="Deletes the note; it can be undone" @click="remove(note)"></button>
              </template>
            </li>
          </ol>
          <span class="sr-only" role="status">{{ spoken }}</span>
        </section>
      </Teleport>
    </div>`,

  mixins: [changes],
  props: {
    notes: { type: Array, default: () => [] },
    sides: { type: Array, default: () => [] },
    recording: String,
  },
  inject: { view: { from: "waveView" } },

  // `writing` is the note that is being written, {time_s, text, side, pinned}; `editing` an old one, {id, text}
  data: () => ({ bench: null, writing: null, editing: null, deleted: null, spoken: "" }),

  computed: {
    shown() {
      return this.unconfirmed.filter(({ recording }) => recording === this.recording).reduce(changed, this.notes);
    },
  },

  watch: {
    recording() {
      Object.assign(this, { writing: null, editing: null, deleted: null });
    },
  },

  mounted() {
    this.bench = this.$el.closest(".wave");
    this.onPageKey = this.onPageKey.bind(this);
    document.addEventListener("keydown", this.onPageKey);
  },
  beforeUnmount() {
    document.removeEventListener("keydown", this.onPageKey);
  },

  methods: {
    clock,

    onPageKey(event) {
      if (event.key?.toLowerCase() !== "n" || event.repeat || event.defaultPrevented || isTyping(event)) return;
      if (!this.recording || !this.$el.checkVisibility() || document.querySelector(".q-menu, .q-dialog, dialog[open]")) return;
      this.begin();
      event.preventDefault();
    },

    /** Begin a note at the playhead; what was begun already is gone on with. */
    begin() {
      const time_s = Math.round((1000 * player.position) / this.view.sampleRate) / 1000;
      const side = this.sides.find((one) => one.side === player.side);
      this.writing ??= { time_s, text: "", side, pinned: !!side };
      this.focus("field");
    },

    save() {
      const { time_s, text, side, pinned } = this.writing;
      const [source, label] = pinned && side ? [side.source, side.label] : ["", ""];
      this.send({ add: { id: drawId(), time_s, text: text.trim(), source, label } });
      this.spoken = `Note pinned to ${clock(time_s, 1)}`;
      this.deleted = null;
      this.leave();
    },

    leave() {
      this.writing = null;
      this.focus("adder");
    },

    edit({ id, text }) {
      this.editing = { id, text };
      this.focus("editor");
    },

    change() {
      const { id, text } = this.editing;
      if (this.shown.find((note) => note.id === id)?.text !== text.trim()) this.send({ edit: id, text: text.trim() });
      this.stop();
    },

    stop() {
      const { id } = this.editing;
      this.editing = null;
      this.$nextTick(() => this.bench.querySelector(`[data-id="${id}"] .i-rename`)?.focus());
    },

    remove(note) {
      this.writing = null;
      this.deleted = note;
      this.spoken = "Note deleted";
      this.send({ remove: note.id });
      this.focus("undoer");
    },

    undo() {
      const { id } = this.deleted;
      this.send({ add: this.deleted });
      this.deleted = null;
      this.$nextTick(() => this.bench.querySelector(`[data-id="${id}"] .note-time`)?.focus());
    },

    send(change) {
      this.make({ recording: this.recording, ...change });
    },

    go({ time_s }) {
      player.seek(time_s * this.view.sampleRate);
      this.view.reveal(time_s * this.view.sampleRate, time_s * this.view.sampleRate);
    },

    /** Focus an element once it is drawn; the editor stands in a list, where Vue keeps an array. */
    focus(name) {
      this.$nextTick(() => [this.$refs[name]].flat()[0]?.focus());
    },

    sideOf(note) {
      return note.source ? this.sides.find(({ source }) => source === note.source) : undefined;
    },
    colorOf(note) {
      return this.sideOf(note)?.color ?? "var(--mute)";
    },
    x(note) {
      return this.view.xOf(note.time_s * this.view.sampleRate);
    },
  },
};
