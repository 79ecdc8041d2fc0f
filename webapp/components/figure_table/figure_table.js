// A table of figures: sorted by any column, filtered by words, with rows to choose, hear and open.
export default {
  template: `
    <div class="figures">
      <div class="figures-head">
        <input v-model="words" type="search" class="figures-filter" aria-label="Filter the settings" placeholder="Filter">
        <button type="button" class="button" :aria-pressed="String(onlyBest)" @click="onlyBest = !onlyBest"
                data-tip="Leaves out every setting that another one beats in both quality and time (the Pareto frontier stays)">Best trade-offs only</button>
        <span class="mute small" role="status">{{ shown.length }} of {{ rows.length }}</span>
      </div>
      <div class="figures-scroll" tabindex="0" role="region" aria-label="Figures of all settings">
        <table role="table">
          <thead role="rowgroup">
            <tr role="row">
              <th scope="col" role="columnheader"><span class="sr-only">Choose</span></th>
              <th v-for="column in all" :key="column.id" scope="col" role="columnheader" :class="{ num: column.id !== 'title' }"
                  :aria-sort="column.id === by ? (down ? 'descending' : 'ascending') : 'none'">
                <button type="button" :data-tip="column.tip || null" @click="sort(column)">{{ column.label }}<i
                  v-if="column.id === by" aria-hidden="true">{{ down ? " ↓" : " ↑" }}</i></button>
              </th>
              <th scope="col" role="columnheader"><span class="sr-only">Do</span></th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            <tr role="row" v-for="row in shown" :key="row.id" :class="{ best: row.best, on: row.id === heard }">
              <td role="cell"><label class="figures-check"><input type="checkbox" :checked="chosen.includes(row.id)" :disabled="!row.audible"
                   :aria-label="'Choose ' + row.title + ' ' + row.detail" @change="choose(row.id)"></label></td>
              <th scope="row" role="rowheader">{{ row.title }}<span v-if="row.detail" class="mute"> {{ row.detail }}</span>
                <span v-if="row.error" class="warn small figures-error">{{ row.error }}</span></th>
              <td v-for="column in columns" :key="column.id" role="cell" class="num" :data-label="column.label" :class="{ warn: row.figures[column.id]?.mark }"
                  :data-tip="row.figures[column.id]?.mark || null">{{ row.figures[column.id]?.text ?? "" }}<span
                  v-if="row.figures[column.id]?.mark" class="sr-only">, {{ row.figures[column.id].mark }}</span></td>
              <td role="cell" class="figures-do">
                <button v-if="row.audible" type="button" class="button" :aria-label="'Hear ' + row.title + ' ' + row.detail"
                        @click="$emit('hear', row.id)">Hear</button>
                <a v-if="row.href" class="button" :href="row.href" :aria-label="'Use ' + row.title + ' ' + row.detail + ' in the Studio'"
                   data-tip="Opens it in the Studio with these settings">Use</a>
                <button v-if="row.audible" type="button" class="icon-button i i-pin" :aria-label="'Keep ' + row.title + ' ' + row.detail + ' as a preset'"
                        data-tip="Saves these settings under a name" @click="$emit('keep', row.id)"></button>
              </td>
            </tr>
          </tbody>
        </table>
      </div>
    </div>`,

  props: { columns: Array, rows: Array, heard: String },
  emits: ["hear", "keep", "choose"],

  data: () => ({ words: "", onlyBest: false, by: "", down: false, chosen: [] }),

  computed: {
    all() {
      return [{ id: "title", label: "Separator and setting", tip: "" }, ...this.columns];
    },
    shown() {
      const words = this.words.toLowerCase().split(/\s+/).filter(Boolean);
      const found = this.rows.filter((row) => {
        const text = `${row.title} ${row.detail}`.toLowerCase();
        return (row.best || !this.onlyBest) && words.every((word) => text.includes(word));
      });
      if (!this.by) return found;
      const sign = this.down ? -1 : 1;
      if (this.by === "title") {
        const name = (row) => `${row.title} ${row.detail}`;
        return found.sort((a, b) => sign * name(a).localeCompare(name(b), "en", { numeric: true }));
      }
      const value = (row) => row.figures[this.by]?.value ?? null;
      // What is not known stands last, whichever way.
      return found.sort((a, b) => (value(a) === null) - (value(b) === null) || sign * (value(a) - value(b)));
    },
  },

  methods: {
    sort(column) {
      if (this.by === column.id) this.down = !this.down;
      else [this.by, this.down] = [column.id, column.better === "higher"];
    },
    choose(id) {
      this.chosen = this.chosen.includes(id) ? this.chosen.filter((one) => one !== id) : [...this.chosen, id];
      this.$emit("choose", this.chosen);
    },
  },
};
