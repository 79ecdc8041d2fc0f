// Groups of settings as plain controls. The server decides, field by field, what is shown and what may be entered.
import { changes } from "audio-playground-changes";

const OPEN = "settings-open"; // key in sessionStorage: the titles of the unfolded groups
const MANY = 1e6; // such a limit nobody types, and a tip need not name it

export default {
  template: `
    <div class="settings" :aria-busy="unconfirmed.length > 0">
      <component :is="group.fold ? 'details' : 'div'" v-for="group in groups" :key="group.title" class="settings-group"
                 :open="group.fold ? opened.includes(group.title) : null" @toggle="remember($event, group.title)">
        <summary v-if="group.fold" class="group">{{ group.title }}
          <span class="settings-digest">{{ group.digest }}</span></summary>
        <h2 v-else-if="group.title" class="group">{{ group.title }}</h2>
        <template v-for="field in group.fields" :key="field.name">
          <div v-if="field.kind === 'choice'" class="field" :data-tip="field.tip || null">
            <span v-if="field.label" class="mute">{{ field.label }}</span>
            <span class="seg" :class="{ full: !field.label }" role="radiogroup" :aria-label="field.spoken || field.label">
              <label v-for="option in field.options" :key="option.value" :data-tip="option.tip || null"
                     :class="{ on: option.value === value(field), off: option.disabled }">
                <input type="radio" :name="id(field)" :checked="option.value === value(field)"
                       :disabled="option.disabled" @change="enter(field, option.value)" />{{ option.label }}</label>
            </span>
          </div>
          <label v-else class="field" :class="{ off: field.disabled }" :data-tip="tipOf(field) || null">
            <span v-if="field.label" class="mute">{{ field.label }}</span>
            <select v-if="field.kind === 'select'" :id="id(field)" :value="value(field)" :disabled="field.disabled"
                    :aria-label="field.spoken" @change="enter(field, $event.target.value)">
              <option v-for="option in field.options" :key="option.value" :value="option.value"
                      :disabled="option.disabled">{{ option.label }}</option>
            </select>
            <input v-else-if="field.kind === 'switch'" :id="id(field)" type="checkbox" role="switch" class="switch"
                   :checked="value(field)" :disabled="field.disabled" @change="enter(field, $event.target.checked)" />
            <span v-else-if="field.kind === 'slider'" class="slider"><input :id="id(field)" type="range" min="0"
                   :max="field.options.length - 1" :value="place(field)" :aria-label="field.label"
                   :aria-valuetext="field.options[place(field)].label" @input="typed[field.name] = $event.target.value"
                   @blur="delete typed[field.name]" @change="enterPlace(field, $event.target.value)" /><span class="num"
                   aria-hidden="true">{{ field.options[place(field)].label }}</span></span>
            <span v-else class="number"><input :id="id(field)" type="number" :value="typed[field.name] ?? value(field)" :min="field.min"
                   :max="field.max" :step="field.step" :placeholder="field.placeholder" :disabled="field.disabled"
                   :aria-describedby="saidOf(field) ? id(field) + '-said' : null"
                   @input="typed[field.name] = $event.target.value" @blur="delete typed[field.name]"
                   @change="enterNumber(field, $event.target.value)" /><i
                   v-if="field.unit" aria-hidden="true">{{ field.unit }}</i></span>
          </label>
          <p v-if="saidOf(field)" :id="id(field) + '-said'" class="said warn small">{{ saidOf(field) }}</p>
          <p v-for="note in field.notes" class="setting-note mute small">{{ note.words }}
            <a :href="note.href">{{ note.link }}</a></p>
        </template>
      </component>
      <span class="sr-only" role="status">{{ said }}</span>
    </div>`,

  mixins: [changes],
  props: { groups: { type: Array, default: () => [] } },

  data() {
    const opened = JSON.parse(sessionStorage.getItem(OPEN) ?? "[]");
    return { opened, typed: {} }; // `typed`: what stands in a number's field, or where a slider is drawn, before it is entered; by the field's name
  },

  computed: {
    said() {
      return this.groups.flatMap((group) => group.fields.map((field) => field.said ?? "")).join("");
    },
  },

  methods: {
    id(field) {
      return "setting-" + field.name.replace(".", "-");
    },

    /** The value of a field as the person left it. */
    value(field) {
      const last = this.unconfirmed.findLast(({ set }) => set === field.name);
      return last ? last.value : field.value;
    },

    enter({ name }, value) {
      this.make({ set: name, value });
    },

    /** The tip, for a number with what can be entered. */
    tipOf({ kind, tip, min, max, unit }) {
      if (kind !== "number" || min === undefined || !(max < MANY)) return tip;
      return `${tip ?? ""} From ${min} to ${max}${unit ? " " + unit : ""}.`.trim();
    },

    /** What is said below a field: of a number that is being typed, the limit that it is over; else what was made of it. */
    saidOf(field) {
      const text = this.typed[field.name];
      if (field.kind !== "number" || !text) return field.said;
      const unit = field.unit ? ` ${field.unit}` : "";
      if (Number(text) > field.max) return `At most ${field.max}${unit}${field.limit ? ", " + field.limit : ""}.`;
      if (Number(text) < field.min) return `At least ${field.min}${unit}.`;
      return field.said;
    },

    enterNumber(field, text) {
      delete this.typed[field.name];
      this.enter(field, text === "" ? null : Number(text));
    },

    /** Where a slider stands, counted from the left: at the person's hand, or at its value. */
    place(field) {
      const known = field.options.findIndex((option) => option.value === this.value(field));
      return Math.min(this.typed[field.name] ?? Math.max(0, known), field.options.length - 1);
    },

    enterPlace(field, place) {
      delete this.typed[field.name];
      this.enter(field, field.options[place].value);
    },

    remember(event, title) {
      const others = this.opened.filter((other) => other !== title);
      this.opened = event.target.open ? [...others, title] : others;
      sessionStorage.setItem(OPEN, JSON.stringify(this.opened));
    },
  },
};
