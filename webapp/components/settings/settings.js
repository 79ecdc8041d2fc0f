// Groups of settings as plain controls. The server decides, field by field, what is shown and what may be entered.

const OPEN = "settings-open"; // key in sessionStorage: the titles of the unfolded groups

export default {
  template: `
    <div class="settings" :key="drawing">
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
                     :class="{ on: option.value === field.value, off: option.disabled }">
                <input type="radio" :name="id(field)" :checked="option.value === field.value" :disabled="option.disabled"
                       @change="send(field, option.value)" />{{ option.label }}</label>
            </span>
          </div>
          <label v-else class="field" :class="{ off: field.disabled }" :data-tip="field.tip || null">
            <span v-if="field.label" class="mute">{{ field.label }}</span>
            <select v-if="field.kind === 'select'" :id="id(field)" :value="field.value" :disabled="field.disabled"
                    :aria-label="field.spoken" @change="send(field, $event.target.value)">
              <option v-for="option in field.options" :key="option.value" :value="option.value"
                      :disabled="option.disabled">{{ option.label }}</option>
            </select>
            <input v-else-if="field.kind === 'switch'" :id="id(field)" type="checkbox" role="switch" class="switch"
                   :checked="field.value" :disabled="field.disabled" @change="send(field, $event.target.checked)" />
            <span v-else class="number"><input :id="id(field)" type="number" :value="field.value" :min="field.min"
                   :max="field.max" :step="field.step" :placeholder="field.placeholder" :disabled="field.disabled"
                   :aria-describedby="field.said ? id(field) + '-said' : null"
                   @change="send(field, $event.target.value === '' ? null : Number($event.target.value))" /><i
                   v-if="field.unit" aria-hidden="true">{{ field.unit }}</i></span>
          </label>
          <p v-if="field.said" :id="id(field) + '-said'" class="said warn small">{{ field.said }}</p>
        </template>
      </component>
      <span class="sr-only" role="status">{{ said }}</span>
    </div>`,

  props: { groups: { type: Array, default: () => [] }, drawing: Number },
  emits: ["set"],

  data() {
    return { opened: JSON.parse(sessionStorage.getItem(OPEN) ?? "[]") };
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

    send(field, value) {
      this.$emit("set", { name: field.name, value });
    },

    remember(event, title) {
      const others = this.opened.filter((other) => other !== title);
      this.opened = event.target.open ? [...others, title] : others;
      sessionStorage.setItem(OPEN, JSON.stringify(this.opened));
    },
  },
};
