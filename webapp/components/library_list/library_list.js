// The library as a list: search, sort, choose, fold, rename. The server has all rows and sends one page of them.
import { changes } from "audio-playground-changes";
import { copyText } from "audio-playground-copying";

const SORTS = { newest: "Newest", name: "Name", length: "Length", size: "Size", used: "Last used" };
const TYPING_MS = 180;
const MAX_COMPARED = 8; // sides of a comparison

/** Format seconds since 1970 in local time: the clock; before it the date unless it is today, with any other year. */
function moment(seconds) {
  const date = new Date(seconds * 1000);
  const now = new Date();
  const day = { day: "numeric", month: "short", ...(date.getFullYear() === now.getFullYear() ? {} : { year: "numeric" }) };
  const clock = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return date.toDateString() === now.toDateString() ? clock : `${date.toLocaleDateString("en-GB", day)} ${clock}`;
}

// One recording or result: its name, its properties, and its buttons.
const Line = {
  template: `
    <div class="lib-line">
      <label v-if="item.mine" class="lib-check"><input type="checkbox" :checked="chosen" :aria-label="'Choose ' + item.name"
        @click="$emit('choose', $event.shiftKey)"></label>
      <div class="lib-words">
        <div class="lib-title">
          <input v-if="renaming" ref="field" v-model="draft" class="lib-rename" aria-label="New name" maxlength="200"
                 @keydown.enter.prevent="end(true)" @keydown.esc.stop="end(false)" @blur="end(true)">
          <component v-else :is="item.href ? 'a' : 'span'" :href="item.href" class="lib-name" :aria-label="label"
                     :data-tip="item.href ? 'Opens it in the Studio' : null">
            <template v-if="soundsAreTheName">
              <template v-for="sound in item.sounds">
                <span class="lib-sound" :style="{ '--stem': sound.color }"><i class="dot"></i>{{ sound.text }}</span>{{ " " }}
              </template>
            </template>
            <template v-else>{{ item.name }}</template>
          </component>
          <span v-if="item.pinned" class="i i-pin lib-pinned" role="img" aria-label="Pinned"></span>
          <span v-if="item.can_share && item.shared" class="pill">Shared</span>
          <a v-if="item.job" class="pill" :class="item.job.look" :href="item.job.href">{{ item.job.words }}</a>
        </div>
        <p v-if="item.sounds?.length && !soundsAreTheName" class="lib-sounds">
          <span v-for="sound in item.sounds" class="lib-sound" :style="{ '--stem': sound.color }">
            <i class="dot"></i>{{ sound.text }}</span>
        </p>
        <p class="lib-facts"><span v-for="fact in facts">{{ fact }}</span></p>
      </div>
      <div class="lib-actions"><slot></slot>
        <template v-if="!item.mine"></template>
        <template v-else-if="trash">
          <button type="button" class="button" data-tip="Takes it out of the trash" @click="$emit('act', 'restore')"
                  :aria-label="'Restore ' + item.name">Restore</button>
        </template>
        <template v-else>
          <button v-if="!item.gone" type="button" class="icon-button i i-pin" :aria-pressed="item.pinned ? 'true' : 'false'"
                  :aria-label="(item.pinned ? 'Unpin ' : 'Pin ') + item.name"
                  data-tip="Pinned recordings and results stay when room is needed" @click="$emit('act', item.pinned ? 'unpin' : 'pin')"></button>
          <button v-if="item.can_share" type="button" class="icon-button i i-share" :aria-pressed="item.shared ? 'true' : 'false'"
                  :aria-label="(item.shared ? 'Stop sharing ' : 'Share ') + item.name"
                  data-tip="What is shared can be seen and heard by all guests" @click="$emit('act', item.shared ? 'unshare' : 'share')"></button>
          <button v-if="!item.gone" type="button" ref="pencil" class="icon-button i i-rename" :aria-label="'Rename ' + item.name"
                  data-tip="Rename" @click="begin"></button>
          <button type="button" class="icon-button i i-trash" :aria-label="'Delete ' + item.name"
                  :data-tip="deleting" @click="$emit('act', 'trash')"></button>
        </template>
      </div>
    </div>`,

  props: { item: Object, chosen: Boolean, trash: Boolean, used: Boolean },
  emits: ["choose", "act", "rename"],
  data: () => ({ renaming: false, draft: "" }),

  computed: {
    soundsAreTheName() {
      const { sounds, name } = this.item;
      return !!sounds?.length && name === sounds.map((sound) => sound.text).join(", ");
    },
    /** The text for screen readers where the name is a row of sounds, which they would read without commas. */
    label() {
      return this.soundsAreTheName && this.item.href ? this.item.name : null;
    },
    facts() {
      const { properties, size, created_s, deleted_s, goes_s, used_s, owners } = this.item;
      const facts = [owners && `from ${owners}`, ...properties, size];
      if (deleted_s) facts.push(`deleted ${moment(deleted_s)}`, `goes ${moment(goes_s)}`);
      else if (created_s) facts.push(moment(created_s), this.used && `used ${moment(used_s)}`);
      return facts.filter(Boolean);
    },
    deleting() {
      const n = this.item.n_results;
      return `Into the trash${n ? `, with ${n} result${n === 1 ? "" : "s"}` : ""}; it can be undone`;
    },
  },

  methods: {
    begin() {
      this.draft = this.item.name;
      this.renaming = true;
      this.$nextTick(() => this.$refs.field.select());
    },
    end(keep) {
      if (!this.renaming) return; // Enter ends the renaming, and then the field loses the focus
      this.renaming = false;
      const name = this.draft.trim();
      if (keep && name && name !== this.item.name) this.$emit("rename", name);
      this.$nextTick(() => document.activeElement === document.body && this.$refs.pencil?.focus());
    },
  },
};

// The details that unfold below a result: its figures of time, memory and quality, and its recipe.
const Details = {
  template: `
    <div class="lib-details">
      <p v-if="!details" class="mute small">Loading…</p>
      <template v-else>
        <dl class="cost"><template v-for="[label, value] in details.figures">
          <dt class="mute">{{ label }}</dt><dd>{{ value }}</dd></template></dl>
        <div class="lib-recipe">
          <pre ref="recipe" tabindex="0" :aria-label="'Recipe of ' + name">{{ details.recipe }}</pre>
          <div class="job-buttons">
            <button type="button" class="button" data-tip="The exact settings as YAML, which the terminal runs, too"
                    @click="copy">{{ copied }}</button>
            <a class="button" :href="details.report" download
               data-tip="Time and memory of every step, settings, versions, quality">Report</a>
          </div>
          <div class="settings inline" role="group" :aria-label="'Download of ' + name"><div class="settings-group">
            <label v-for="field in details.fields" :key="field.name" class="field" :data-tip="field.tip">
              <span v-if="field.label" class="mute">{{ field.label }}</span>
              <select v-if="field.kind === 'select'" :value="value(field)" :aria-label="field.spoken"
                      @change="$emit('export', { set: field.name, value: $event.target.value })">
                <option v-for="option in field.options" :key="option.value" :value="option.value">{{ option.label }}</option>
              </select>
              <input v-else type="checkbox" role="switch" class="switch" :checked="value(field)"
                     @change="$emit('export', { set: field.name, value: $event.target.checked })" />
            </label>
            <a class="button" :href="unconfirmed.length ? null : details.stems"
               data-tip="One zip with every track">Download all stems</a>
          </div></div>
        </div>
      </template>
    </div>`,

  props: { details: Object, name: String, unconfirmed: Array },
  emits: ["export"],
  data: () => ({ copied: "Copy recipe" }),

  methods: {
    /** The value of a control as the person left it. */
    value(field) {
      const last = this.unconfirmed.findLast(({ set }) => set === field.name);
      return last ? last.value : field.value;
    },
    async copy() {
      this.copied = (await copyText(this.details.recipe)) ? "Copied" : "Select it and copy";
      setTimeout(() => (this.copied = "Copy recipe"), 2500);
    },
  },
};

export default {
  components: { LibraryLine: Line, LibraryDetails: Details },

  template: `
    <div class="lib">
      <div class="lib-tools">
        <label class="lib-search i i-search">
          <input ref="search" type="search" v-model="text" aria-label="Search the library" maxlength="200"
                 placeholder="Search names, sounds, separators" @input="typed">
        </label>
        <label class="lib-sort" v-show="!trash"><span class="mute">Sort</span>
          <select v-model="sort" aria-label="Sort by" @change="ask(0)">
            <option v-for="(label, value) in sorts" :value="value">{{ label }}</option>
          </select>
        </label>
        <div class="seg" role="group" aria-label="What is shown">
          <button type="button" :class="{ on: !trash }" :aria-pressed="!trash" @click="look(false)">Library</button>
          <button type="button" :class="{ on: trash }" :aria-pressed="trash" @click="look(true)">
            Trash<template v-if="view?.n_trashed"> ({{ view.n_trashed }})</template></button>
        </div>
      </div>

      <div v-if="!view" class="stack" role="status" aria-label="Loading the library">
        <div v-for="n in 4" class="skeleton" style="height: 58px"></div>
      </div>
      <p v-else-if="!view.rows.length && (text || trash)" class="lib-none mute" role="status">{{ nothing }}</p>
      <ul v-else class="lib-list" :aria-label="trash ? 'Trash' : 'Recordings'">
        <li v-for="(row, index) in view.rows" :key="row.key" class="lib-row" :class="{ gone: row.gone }">
          <library-line :item="row" :trash="trash" :used="sort === 'used'" :chosen="chosen.includes(row.key)" @choose="choose(row.key, $event)"
                        @act="act($event, [row.key], index)" @rename="rename(row.key, $event)">
            <button v-if="row.n_results" type="button" class="button plain lib-fold" :class="{ open: row.open }"
                    :aria-expanded="row.open ? 'true' : 'false'" :aria-label="folding(row)" @click="unfold(row)">
              <span class="i i-fold"></span>{{ row.n_results }} result{{ row.n_results === 1 ? "" : "s" }}</button>
            <a v-if="row.n_results > 1 && !trash" class="button plain" :href="row.compare"
               :aria-label="'Compare the results of ' + row.name">Compare</a>
          </library-line>
          <ul v-if="row.open" class="lib-results" :aria-label="'Results of ' + row.name">
            <li v-for="result in row.results" :key="result.key">
              <library-line :item="result" :chosen="chosen.includes(result.key)" @choose="choose(result.key, $event)"
                            @act="act($event, [result.key], index)" @rename="rename(result.key, $event)">
                <button type="button" class="button plain" :aria-expanded="result.key in details ? 'true' : 'false'"
                        :aria-label="'Details of ' + result.name" @click="$emit('details', result.key)">Details</button>
              </library-line>
              <library-details v-if="result.key in details" :details="details[result.key]" :name="result.name"
                               :unconfirmed="unconfirmed" @export="make"/>
            </li>
            <li v-if="row.results.length < row.n_results">
              <button type="button" class="button plain" @click="$emit('unfold', { key: row.key, n: row.n_results })">
                Show the other {{ row.n_results - row.results.length }}</button>
            </li>
          </ul>
        </li>
      </ul>

      <nav v-if="view && view.total > view.rows.length" class="lib-pages" aria-label="Pages of the list">
        <button type="button" class="button" :disabled="!view.page" @click="ask(view.page - 1)">Previous</button>
        <span class="mute num" role="status">{{ view.first + 1 }}–{{ view.first + view.rows.length }} of {{ view.total.toLocaleString("en") }}</span>
        <button type="button" class="button" :disabled="view.last" @click="ask(view.page + 1)">Next</button>
      </nav>

      <div v-if="view?.rows.length" class="lib-chosen-place">
        <div v-if="chosen.length" class="lib-chosen" role="group" aria-label="What is chosen">
          <b class="num">{{ chosen.length }} chosen</b>
          <template v-if="trash"><button type="button" class="button" @click="actOnChosen('restore')">Restore</button></template>
          <template v-else>
            <a v-if="opening" class="button" :href="opening" data-tip="One tab for each; all can be separated the same way">
              Open in the Studio</a>
            <a v-if="comparing" class="button" :href="comparing" data-tip="Side by side, at the same loudness">Compare</a>
            <a class="button" :href="downloading" download data-tip="One zip with a folder for each">Download</a>
            <button type="button" class="button" @click="actOnChosen('pin')">Pin</button>
            <button type="button" class="button" @click="actOnChosen('unpin')">Unpin</button>
            <button type="button" class="button danger" data-tip="Into the trash, recordings with their results"
                    @click="actOnChosen('trash')">Delete</button>
          </template>
          <button type="button" class="icon-button i i-close" aria-label="Choose none" data-tip="Choose none"
                  @click="chosen = []"></button>
        </div>
      </div>
    </div>`,

  mixins: [changes],
  props: { view: Object, details: { type: Object, default: () => ({}) }, export: { type: String, default: "" } },
  emits: ["ask", "unfold", "details", "act", "rename"],
  data: () => ({ sorts: SORTS, text: "", sort: "newest", trash: false, chosen: [], last: null, acted: null, recordings: {} }),

  computed: {
    /** The keys of all lines on the screen that can be chosen, from top to bottom. */
    lines() {
      return this.view.rows.flatMap((row) => [row, ...row.results]).filter((item) => item.mine).map((item) => item.key);
    },
    /** The address that opens the chosen recordings; "" if a result is among them, or a recording that is gone. */
    opening() {
      const all = this.chosen.every((key) => this.recordings[key] === key);
      return all ? `/?${new URLSearchParams({ files: this.chosen })}` : "";
    },
    /** The address that compares the chosen results of one recording; "" for anything else. */
    comparing() {
      const of = new Set(this.chosen.map((key) => this.recordings[key]));
      const results = of.size === 1 && !of.has(undefined) && !this.chosen.some((key) => of.has(key));
      const n = this.chosen.length;
      return results && n > 1 && n <= MAX_COMPARED ? `/compare?${new URLSearchParams({ items: this.chosen })}` : "";
    },
    downloading() {
      return `/media/all.zip?${new URLSearchParams(this.chosen.map((key) => ["result", key]))}&${this.export}`;
    },
    nothing() {
      if (this.text) return `Nothing ${this.trash ? "in the trash" : "in the library"} has “${this.text.trim()}”.`;
      return "The trash is empty.";
    },
  },

  watch: {
    view() {
      for (const row of this.view.rows) {
        if (!row.gone) this.recordings[row.key] = row.key; // else its results are all that is left
        for (const result of row.results) this.recordings[result.key] = row.key;
      }
      if (this.acted === null) return;
      const index = Math.min(this.acted, this.view.rows.length - 1);
      this.acted = null;
      this.$nextTick(() => {
        if (document.activeElement !== document.body) return; // the pressed button still exists and has the focus
        const rows = this.$el.querySelectorAll(".lib-row");
        (rows[index]?.querySelector(".lib-name[href], button") ?? this.$refs.search).focus();
      });
    },
  },

  methods: {
    typed() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(0), TYPING_MS);
    },
    ask(page) {
      clearTimeout(this.timer);
      if (page !== this.view?.page) this.$el.closest(".shell-main")?.scrollTo({ top: 0 });
      this.$emit("ask", { search: this.text, sort: this.sort, trash: this.trash, page });
    },
    look(trash) {
      this.trash = trash;
      this.chosen = [];
      this.ask(0);
    },
    folding(row) {
      return `${row.open ? "Fold" : "Show"} ${row.n_results} result${row.n_results === 1 ? "" : "s"} of ${row.name}`;
    },
    unfold(row) {
      this.$emit("unfold", { key: row.key, n: row.open ? 0 : -1 });
    },

    choose(key, extend) {
      const lines = this.lines;
      const from = extend ? lines.indexOf(this.last) : -1;
      const on = !this.chosen.includes(key);
      const to = lines.indexOf(key);
      const range = from < 0 ? [key] : lines.slice(Math.min(from, to), Math.max(from, to) + 1);
      const others = this.chosen.filter((other) => !range.includes(other));
      this.chosen = on ? [...others, ...range] : others;
      this.last = key;
    },
    actOnChosen(verb) {
      this.act(verb, this.chosen, 0);
      this.chosen = [];
    },
    act(verb, keys, index) {
      this.acted = index;
      this.chosen = this.chosen.filter((key) => !keys.includes(key));
      this.$emit("act", { verb, keys: [...keys] });
    },
    rename(key, name) {
      this.$emit("rename", { key, name });
    },
  },
};
