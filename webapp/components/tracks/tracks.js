// The mixer: a row for each track (mute, solo, gain, pan, waveform or spectrogram), all on the waveform's time line.
// Where it hosts a waveform, that is the lane of the first row, with a place for tools under that row's controls.
import { changes } from "audio-playground-changes";
import {
  GAIN_CEILING_DB, GAIN_FLOOR_DB, ICONS, colorOf, decibels, drawBars, drawUnready, explainedSpoken, fitCanvas,
  fullScale, gainToSlider, isTyping, loadPyramid, loadSpectro, onSchemeChange, panSpoken, passageStyle, player, sliderToGain,
} from "audio-playground-player";

const HEIGHT_PX = 52; // of a lane, where there are many, or little width
const ROOMY = { px: 84, rows: 4, width_px: 560 }; // of a lane where there are at most so many rows, and more width
const SPECTRUM_PX = 120;
const UNREADY = "Not separated yet: the recording plays here";

export default {
  template: `
    <div class="tracks" :aria-busy="unconfirmed.length > 0">
      <p v-if="!rows.length" class="tracks-empty mute">{{ emptyText }}</p>
      <div v-for="track in rows" :key="hosted(track) ? 'hosted' : track.id" class="track"
           :class="{ silent: track.id && !isAudible(track), hosting: hosted(track) }"
           role="group" @pointerdown.capture="current = track.id" :aria-label="track.name" :style="{ '--stem': track.color }" @keydown="onKey($event, track)">
        <div class="strip">
          <span class="track-name"><i class="dot"></i><b :title="track.name">{{ track.name }}</b>
            <button v-if="track.id" type="button" class="icon-button spectrum" :aria-pressed="!!spectra[track.name]"
                    :aria-label="'Spectrogram of ' + track.name" @click="toggleSpectrum(track)"
                    data-tip="Spectrogram or waveform">${ICONS.spectrum}</button>
            <a v-if="track.download" class="icon-button" :href="prefixed(track.download)" download
               :aria-label="'Download ' + track.name" data-tip="Download this sound, without the mixer's gain">
              ${ICONS.download}
            </a>
            <i v-else-if="track.ready_samples !== undefined" class="icon-button" aria-hidden="true"></i>
            <button v-if="menu" type="button" class="icon-button" :aria-label="'More for ' + track.name"
                    data-tip="More to do with this sound" @click="$emit('menu', track.id)">
              ${ICONS.more}
            </button>
          </span>
          <span v-if="track.id" class="controls">
            <button type="button" class="ms mute-button" :class="{ on: mix[track.id]?.muted }"
                    :aria-pressed="!!mix[track.id]?.muted" :aria-label="'Mute ' + track.name"
                    data-tip="Silence this track (M)" @click="toggle(track, 'muted')">M</button>
            <button type="button" class="ms solo-button" :class="{ on: mix[track.id]?.solo }"
                    :aria-pressed="!!mix[track.id]?.solo" :aria-label="'Solo ' + track.name"
                    data-tip="Hear only this track, and others that are solo (S)"
                    @click="toggle(track, 'solo')">S</button>
            <label class="fader" :style="{ '--at': slider(track) }">
              <input type="range" min="0" max="1" step="0.001" :value="slider(track)"
                     data-tip="Gain, -60 to +6 dB; double-click for 0 dB"
                     :aria-label="'Gain of ' + track.name" :aria-valuetext="decibels(gain(track))"
                     @input="onFader($event, track)" @change="report"
                     @dblclick="setGain(track, 0, true)" @keydown="onFaderKey($event, track)" />
            </label>
            <span class="readout" aria-hidden="true">{{ decibels(gain(track)) }}</span>
            <input class="pan" type="range" min="-1" max="1" step="0.05" :value="mix[track.id]?.pan ?? 0"
                   :aria-label="'Pan of ' + track.name" :aria-valuetext="panSpoken(mix[track.id]?.pan ?? 0)"
                   data-tip="Pan; double-click for the centre" @input="onPan($event, track)" @change="report"
                   @dblclick="setPan(track, 0)" @keydown="onPanKey($event, track)" />
          </span>
          <slot v-if="hosted(track)" name="tools"></slot>
        </div>
        <div v-if="hosted(track)" class="hosted"><slot></slot></div>
        <div v-if="!hosted(track) || isSpectrum(track)" class="lane" @pointerdown="onSeek($event, track)" @pointermove="onSeek($event, track)"
             @pointerup="onSeek($event, track)" @pointercancel="onSeek($event, track)">
          <canvas :style="{ height: height(track) + 'px' }" :ref="(el) => (canvases[track.id] = el)" aria-hidden="true"></canvas>
          <i v-if="looped" class="loop-band" :style="band"></i>
          <div class="playhead" :ref="(el) => (heads[track.id] = el)"></div>
          <div v-if="failures[track.id]" class="lane-note" role="alert">{{ failures[track.id] }}</div>
          <div v-else-if="!drawn[track.id]" class="lane-note skeleton"></div>
          <p v-if="track.note" class="track-note">{{ track.note }}</p>
          <div v-if="track.explained?.length" class="explained" :style="stretched(track)" role="img"
               :aria-label="explainedSpoken(track.explained)" :title="explainedSpoken(track.explained)">
            <i v-for="value in track.explained" :class="{ low: value < 0.5 }" :style="{ opacity: 0.3 + 0.7 * value }"></i>
          </div>
        </div>
      </div>
    </div>`,

  mixins: [changes],
  props: {
    tracks: { type: Array, default: () => [] }, emptyText: String, menu: Boolean, allSides: Boolean,
    host: String, // the name of the first row while it has no track; given where that row hosts a waveform
  },
  emits: ["seek", "menu"],

  data() {
    return {
      side: player.side, mix: {}, drawn: {}, failures: {}, spectra: {}, width: 0, range: null, dragging: false, looped: null,
      wide: innerWidth > ROOMY.width_px, // whether name and controls stand beside the lane
    };
  },

  computed: {
    /** The tracks to draw: while results are compared, those of the side that is heard, or of all of them. */
    rows() {
      if (this.allSides) return this.tracks.filter((track) => track.inverted === undefined);
      const shown = this.tracks.filter((track) => !track.side || track.side === this.side);
      return this.host && !shown.length ? [{ id: "", name: this.host, color: "var(--mute)" }] : shown;
    },
    /** The height of a waveform's lane in pixels. */
    tall() {
      return this.wide && this.rows.length <= ROOMY.rows ? ROOMY.px : HEIGHT_PX;
    },
    /** The style of the passage that is looped. */
    band() {
      return passageStyle(this.looped, this.view);
    },
    total() {
      return Math.max(1, ...this.tracks.map((track) => track.n_samples));
    },
    view() {
      const { start, count } = this.range ?? { start: 0, count: this.total };
      return { start, samplesPerPixel: count / Math.max(1, this.width), width: this.width };
    },
  },

  created() {
    this.head = 0;
    this.canvases = {};
    this.heads = {};
    this.pyramids = {};
    this.spectro = null;
    this.current = ""; // the id of the row that was touched last
    this.reported = {}; // the mixer settings that the server knows, by the track's id
  },
  mounted() {
    this.onPageKey = this.onPageKey.bind(this);
    document.addEventListener("keydown", this.onPageKey);
    this.observer = new ResizeObserver(() => this.drawAll());
    this.observer.observe(this.$el);
    this.ends = [
      player.on("frame", () => this.dragging || this.moveHead(player.position)),
      player.on("mix", () => this.readMix()),
      player.on("tracks", () => this.readMix()),
      player.on("recall", (rows) => this.recall(rows)),
      player.on("range", () => this.drawAll()),
      player.on("side", () => this.showSide()),
      player.on("loop", () => (this.looped = player.loop.on ? player.passage : null)),
      player.on("passage", (passage) => (this.looped = passage)), // while a hand marks it
      onSchemeChange(() => this.drawAll()),
      () => this.observer.disconnect(),
      () => document.removeEventListener("keydown", this.onPageKey),
      () => player.setTracks(this, []),
    ];
    this.$nextTick(() => this.adopt());
  },
  beforeUnmount() {
    this.ends.forEach((end) => end());
  },
  watch: {
    tracks(now, before) {
      this.adopt();
      const isNew = now[1] && now[1].id !== before[1]?.id && now[0].id === before[0]?.id; // of the same recording
      if (this.host && isNew) this.$nextTick(() => this.revealRows());
    },
    tall() {
      this.$nextTick(() => this.drawAll());
    },
  },

  methods: {
    decibels, explainedSpoken, panSpoken,

    /** Whether the lane of this track is the waveform that is hosted. */
    hosted(track) {
      return Boolean(this.host) && track === this.rows[0];
    },

    prefixed(url) {
      return url.startsWith("/") ? (window.path_prefix ?? "") + url : url;
    },

    adopt() {
      player.setTracks(this, this.tracks);
      if (this.host) player.setRecording(this.tracks[0]?.id ?? "");
      this.readMix();
      this.reported = Object.fromEntries(this.tracks.map(({ id }) => [id, this.reported[id] ?? { ...player.mixOf(id) }]));
      this.$nextTick(() => {
        this.moveHead(this.head);
        this.tracks.forEach((track) => this.load(track));
      });
    },

    async load(track) {
      const shown = () => this.tracks.some((other) => other.id === track.id && other.url === track.url);
      try {
        const pyramid = await loadPyramid(track);
        if (!shown()) return;
        this.pyramids[track.id] = pyramid;
        this.drawn[track.id] = true;
      } catch (reason) {
        if (!shown()) return;
        this.failures[track.id] = reason.message;
      }
      this.drawAll();
    },

    /** Scroll to the sounds that have come, where the recording's own lane leaves them no room. */
    revealRows() {
      if (!this.wide) this.$el.children[1]?.scrollIntoView({ block: "start", behavior: "smooth" });
    },

    showSide() {
      this.side = player.side;
      this.$nextTick(() => this.drawAll());
    },

    readMix() {
      this.mix = {};
      for (const { id } of this.tracks) {
        this.mix[id] = { ...player.mixOf(id) };
        const failure = player.failureOf(id);
        if (failure) this.failures[id] = failure;
      }
      this.moveHead(player.position);
    },

    /**
     * Move the playheads of all rows; not through Vue, since they move with every screen frame. One CSS variable for all
     * would have the browser work out the style of everything in every row anew, which took longer than all the rest.
     */
    moveHead(sample) {
      this.head = Math.max(0, Math.min(sample, this.total));
      const x = (this.head - this.view.start) / this.view.samplesPerPixel;
      for (const head of Object.values(this.heads)) if (head) head.style.transform = `translateX(${x}px)`;
    },

    drawAll() {
      this.range = player.range;
      this.wide = this.$el.clientWidth > ROOMY.width_px;
      this.width = Object.values(this.canvases).find((canvas) => canvas)?.clientWidth ?? 0;
      if (this.width) this.tracks.forEach((track) => this.draw(track));
      this.moveHead(this.head);
    },

    draw(track) {
      const canvas = this.canvases[track.id];
      if (!canvas || !this.pyramids[track.id]) return;
      const context = fitCanvas(canvas, this.width, this.height(track));
      const ready = Math.min(track.ready_samples ?? track.n_samples, track.n_samples);
      if (this.isSpectrum(track)) {
        const colors = this.spectro.spectrumColors(canvas.parentElement, track.color);
        this.spectro.drawSpectrogram(context, track, this.view, SPECTRUM_PX, colors, (reason) => {
          if (reason) this.failures[track.id] = reason.message;
          else this.draw(track);
        });
        return;
      }
      // One scale for all rows, so that a quiet sound looks quieter than a loud one.
      const scale = fullScale(Math.max(...this.tracks.map(({ id }) => this.pyramids[id]?.peak ?? 0)));
      const color = colorOf(canvas.parentElement, track.color);
      if (ready < track.n_samples) {
        const x = Math.max(0, (ready - this.view.start) / this.view.samplesPerPixel);
        const mute = colorOf(canvas.parentElement, "var(--mute)");
        drawUnready(context, { x, width: this.width, height: this.tall, color: mute, words: this.host ? UNREADY : "" });
      }
      drawBars(context, this.pyramids[track.id], this.view, { top: 0, height: this.tall, color, ready, scale });
    },

    /** The height of a lane in pixels. */
    height(track) {
      return this.isSpectrum(track) ? SPECTRUM_PX : this.tall;
    },

    /** Whether a lane shows a spectrogram; a track that is still being made has none yet. */
    isSpectrum(track) {
      return Boolean(this.spectra[track.name]) && track.ready_samples === undefined;
    },

    async toggleSpectrum({ name }) {
      this.spectro ??= await loadSpectro();
      this.spectra[name] = !this.spectra[name]; // kept by name, so that other results show the same rows
      this.$nextTick(() => this.drawAll());
    },

    /** Show the spectrogram of every row, or, where all are shown, their waveforms. */
    async toggleSpectra() {
      this.spectro ??= await loadSpectro();
      const on = !this.tracks.every(({ name }) => this.spectra[name]);
      for (const { name } of this.tracks) this.spectra[name] = on;
      this.$nextTick(() => this.drawAll());
    },

    // ---- mixer

    gain(track) {
      return this.mix[track.id]?.gain_db ?? 0;
    },

    /** Whether a track is audible: it is not muted, and it has solo or no track has. */
    isAudible(track) {
      const anySolo = Object.values(this.mix).some((row) => row.solo);
      const { muted, solo } = this.mix[track.id] ?? {};
      return !muted && (solo || !anySolo);
    },

    /** The style that lays a track's strip on the time line at the present zoom. */
    stretched(track) {
      const left = -this.view.start / this.view.samplesPerPixel;
      return { left: left + "px", width: track.n_samples / this.view.samplesPerPixel + "px" };
    },

    slider(track) {
      return gainToSlider(this.gain(track));
    },

    toggle(track, key) {
      player.setMix(track.id, { [key]: !player.mixOf(track.id)[key] });
      this.report();
    },

    setGain(track, gain_db, final) {
      player.setMix(track.id, { gain_db: Math.min(GAIN_CEILING_DB, Math.max(GAIN_FLOOR_DB, gain_db)) });
      if (final) this.report();
    },

    setPan(track, pan) {
      player.setMix(track.id, { pan });
      this.report();
    },

    onPan(event, track) {
      const pan = Number(event.target.value);
      player.setMix(track.id, { pan: Math.abs(pan) < 0.08 ? 0 : pan }); // the slider snaps to the middle
    },

    /** Move the pan by tenths from key to key, so that the middle is reached exactly and left again. */
    onPanKey(event, track) {
      const step = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const pan = Math.round(10 * (this.mix[track.id]?.pan ?? 0)) + step;
      this.setPan(track, Math.max(-10, Math.min(10, pan)) / 10);
      event.preventDefault();
    },

    onFader(event, track) {
      const gain_db = Math.round(sliderToGain(Number(event.target.value)) * 10) / 10;
      this.setGain(track, Math.abs(gain_db) < 0.25 ? 0 : gain_db, false); // the fader snaps to 0 dB
    },

    onFaderKey(event, track) {
      const steps = { ArrowUp: 0.5, ArrowRight: 0.5, ArrowDown: -0.5, ArrowLeft: -0.5, PageUp: 3, PageDown: -3 };
      if (!(event.key in steps)) return;
      this.setGain(track, Math.round((this.gain(track) + steps[event.key]) * 10) / 10, true);
      event.preventDefault();
    },

    onKey(event, track) {
      const key = { m: "muted", s: "solo" }[event.key.toLowerCase()];
      if (!key || !track || event.repeat || isTyping(event)) return;
      this.toggle(track, key);
      event.preventDefault();
    },

    /** Digits hear a sound alone, or all of them again; M and S are of the row that was touched last. */
    onPageKey(event) {
      if (event.defaultPrevented || event.repeat || isTyping(event)) return;
      const alone = this.host && /^[1-9]$/.test(event.key) && this.rows[event.key];
      if (!alone) return this.onKey(event, this.rows.find(({ id }) => id === this.current));
      this.soloAlone(alone);
      event.preventDefault();
    },

    soloAlone({ id }) {
      const on = !player.mixOf(id).solo || this.tracks.some((other) => other.id !== id && player.mixOf(other.id).solo);
      for (const track of this.tracks) player.setMix(track.id, { solo: on && track.id === id });
      this.report();
    },

    /** Set mute, solo, gain and pan of the tracks in `rows`, as a mix that is recalled says. */
    recall(rows) {
      for (const { id, ...mix } of rows) player.setMix(id, mix);
      this.report();
    },

    /** Tell the server what has changed in the mixer: of each track only the settings that are others now. */
    report() {
      const rows = this.tracks.map(({ id }) => {
        const others = Object.entries(player.mixOf(id)).filter(([key, value]) => value !== this.reported[id][key]);
        return { id, set: Object.fromEntries(others) };
      });
      const changed = rows.filter(({ set }) => Object.keys(set).length);
      for (const { id, set } of changed) Object.assign(this.reported[id], set);
      if (changed.length) this.make(changed);
    },

    // ---- seeking
    onSeek(event, track) {
      if (event.type === "pointerdown" && event.button === 0) {
        event.currentTarget.setPointerCapture(event.pointerId);
        this.dragging = true;
      }
      if (!this.dragging) return;
      const x = event.clientX - this.canvases[track.id].getBoundingClientRect().left;
      this.moveHead(this.view.start + x * this.view.samplesPerPixel);
      this.dragging = event.type === "pointerdown" || event.type === "pointermove";
      if (event.type === "pointercancel") this.moveHead(player.position); // the finger scrolls the page
      if (event.type !== "pointerup") return;
      player.seek(this.head);
      this.$emit("seek", this.head / player.rate);
    },
  },
};
