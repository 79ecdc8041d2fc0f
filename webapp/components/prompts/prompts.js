// The prompts: a chip for each in an order that can be changed, a field to add more, and suggestions.
import { changes, page } from "audio-playground-changes";

const MIME = "text/x-audio-playground-prompt"; // marks a dragged chip, so that nothing else is taken for one

const sameSound = (text, words) => text.toLowerCase() === words.toLowerCase();

/** Return the texts after a change, each sound once; `prompts.py` does the same to what the server has. */
function changed(texts, change) {
  return moved(texts, change).filter((text, i, all) => all.findIndex((other) => sameSound(text, other)) === i);
}

function moved(texts, { add, remove, replace, by, move, before }) {
  if (add) return [...texts, ...add];
  if (remove) return texts.filter((text) => !sameSound(text, remove));
  if (replace) return texts.map((text) => (text === replace ? by : text));
  if (!move || !texts.includes(move)) return texts;
  const others = texts.filter((text) => text !== move);
  return others.toSpliced(others.includes(before) ? others.indexOf(before) : others.length, 0, move);
}

export default {
  template: `
    <div class="prompts" :aria-busy="unconfirmed.length > 0">
      <div class="chips" @dragover="onDragOver" @drop.prevent="onDrop">
        <div class="named" ref="named">
          <span class="chip-list" role="list" aria-label="Sounds to isolate">
            <span v-for="(prompt, index) in chips" :key="prompt.text" role="listitem" class="chip" draggable="true"
                  :class="{ on: prompt.text === chosen && chips.length > 1, warn: prompt.warn, dragged: dragged === index }"
                  :style="{ '--stem': prompt.color }" @dragstart="onDragStart($event, index)" @dragend="dragged = -1">
              <button type="button" class="chip-body" ref="bodies" :aria-pressed="prompt.text === chosen"
                      :aria-label="spoken(prompt)" :data-tip="prompt.tip || chipTip" @click="make({ select: prompt.text })"
                      @keydown="onChipKey($event, index)">
                <i class="dot"></i><span>{{ prompt.text }}</span>
                <span v-if="prompt.detail" class="chip-detail">{{ prompt.detail }}</span>
                <span v-if="prompt.spans" class="chip-detail num">{{ prompt.spans }}</span>
              </button>
              <button type="button" class="chip-remove i i-close" :aria-label="'Remove ' + prompt.text"
                      :data-tip="'Leave out ' + prompt.text" @click="remove(prompt.text)"></button>
            </span>
          </span>
          <input ref="input" class="prompt-input" v-model="typed" maxlength="200" enterkeyhint="done" autocomplete="off"
                 :placeholder="texts.length ? 'another sound…' : 'a sound, such as drums or a voice'"
                 aria-label="Add a sound to isolate"
                 data-tip="Each sound becomes a track of its own. Enter adds it; separate several with commas."
                 @keydown.enter.prevent="addTyped" @keydown.backspace="onBackspace" />
        </div>
        <span v-for="(kind, row) in suggestions" :key="kind.kind" class="suggestions" role="group" @keydown="onSuggestionKey"
              :aria-label="kind.kind ? 'Suggestions: ' + kind.kind : 'Suggestions'">
          <span v-if="kind.kind" class="mute small">{{ kind.kind }}</span>
          <button v-for="(words, place) in kind.texts" :key="words" type="button" class="toggle" :class="{ on: has(words) }"
                  :tabindex="row + place ? -1 : 0"
                  :aria-pressed="has(words)" :data-tip="'Isolate ' + words + ', or leave it out again'"
                  @click="toggle(words)">{{ words }}</button>
        </span>
        <a class="skip-link sr-only" href="#actions">Skip to Separate</a>
      </div>
      <p v-if="note" class="prompts-note small mute" role="status">{{ note }}
        <button v-if="better" type="button" class="button plain" @click="replace">Use “{{ better.to }}”</button>
        <a v-if="models" href="/models" data-tip="Which separators are available, and what the others need">See the models</a></p>
    </div>`,

  mixins: [changes],
  props: {
    prompts: { type: Array, default: () => [] },
    suggestions: { type: Array, default: () => [] },
    selected: String,
    note: String,
    better: Object, // {from, to}: a prompt, and the wording that is proposed for it
    models: Boolean, // whether to show a link to the Models page below
    ordered: Boolean, // whether the order of the prompts affects the result
  },

  data: () => ({ typed: "", dragged: -1 }),

  computed: {
    texts() {
      return this.unconfirmed.reduce(changed, this.prompts.map((prompt) => prompt.text));
    },
    /** The chips to draw; of a new one the server tells the colour and what it is taken for. */
    chips() {
      return this.texts.map((text) => this.prompts.find((prompt) => prompt.text === text) ?? { text, color: "var(--mute)" });
    },
    /** The selected prompt; without one of that name the server selects the last. */
    chosen() {
      const wanted = this.unconfirmed.reduce((text, change) => change.select ?? text, this.selected);
      return this.texts.includes(wanted) ? wanted : this.texts.at(-1);
    },
    /** The prompts, and what is being typed, which is one of them as soon as somebody separates. */
    asked() {
      return [...this.texts, ...this.fresh(this.parts)];
    },
    parts() {
      return this.typed.split(",").map((part) => part.trim());
    },
    chipTip() {
      const order = this.ordered ? " Each works on what the ones before it left: drag to change the order, or Alt and an arrow." : "";
      return `Choose whose spans you paint.${order}`;
    },
  },

  watch: {
    asked: {
      immediate: true,
      handler(texts) {
        page.prompts = texts;
      },
    },
    /** Where the chips stand in one line, on a phone, the field for the next stays in sight. */
    "texts.length"() {
      this.$nextTick(() => this.$refs.named.scrollTo({ left: this.$refs.named.scrollWidth }));
    },
    chosen: {
      immediate: true,
      handler(text) {
        page.selected = text;
      },
    },
  },

  mounted() {
    page.takeTyped = () => this.addTyped();
  },
  unmounted() {
    delete page.takeTyped;
  },

  methods: {
    spoken(prompt) {
      return [prompt.text, prompt.detail, prompt.spans].filter(Boolean).join(", ");
    },

    has(words) {
      return this.texts.some((text) => sameSound(text, words));
    },

    addTyped() {
      const added = this.parts;
      this.typed = "";
      this.add(added);
    },

    add(words) {
      const fresh = this.fresh(words);
      if (fresh.length) this.make({ add: fresh });
    },

    fresh(words) {
      return words.filter((text, at) => text && !this.has(text) && words.findIndex((one) => sameSound(one, text)) === at);
    },

    remove(text) {
      this.make({ remove: text });
      this.$refs.input.focus(); // the button that had the focus does not exist any more
    },

    toggle(words) {
      const there = this.texts.find((text) => sameSound(text, words));
      if (there === undefined) this.add([words]);
      else this.make({ remove: there });
    },

    replace() {
      this.make({ replace: this.better.from, by: this.better.to });
    },

    /** All suggestions are one stop of the Tab key; arrows go from one to the next. */
    onSuggestionKey(event) {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      const all = [...this.$el.querySelectorAll(".suggestions > button")];
      all.at((all.indexOf(event.target) + step) % all.length)?.focus();
      event.preventDefault();
    },

    onBackspace(event) {
      if (!this.typed && !event.repeat && this.chips.length) this.$refs.bodies.at(-1).focus();
    },

    // ---- order

    move(from, to) {
      if (to < 0 || to >= this.texts.length || to === from) return;
      const text = this.texts[from];
      this.make({ move: text, before: this.texts.filter((other) => other !== text)[to] ?? null });
    },

    onChipKey(event, index) {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step && event.altKey) {
        this.move(index, index + step);
        event.preventDefault(); // or the browser would go back a page
      } else if (event.key === "Delete" || event.key === "Backspace") {
        this.remove(this.texts[index]);
        event.preventDefault();
      }
    },

    onDragStart(event, index) {
      this.dragged = index;
      event.dataTransfer.setData(MIME, String(index));
      event.dataTransfer.effectAllowed = "move";
    },

    onDragOver(event) {
      if (this.dragged >= 0) event.preventDefault();
    },

    /** Move the dragged chip before the first chip whose middle is right of the pointer, or to the end. */
    onDrop(event) {
      if (this.dragged < 0) return;
      const boxes = this.$refs.bodies.map((body) => body.parentElement.getBoundingClientRect());
      const at = boxes.findIndex((box) => event.clientY < box.bottom && event.clientX < box.left + box.width / 2);
      const to = at < 0 ? this.texts.length - 1 : at - (this.dragged < at ? 1 : 0);
      this.move(this.dragged, to);
      this.dragged = -1;
    },
  },
};
