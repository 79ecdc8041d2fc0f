// The mixer: a row for each track (mute, solo, gain, pan, waveform or spectrogram), all on the waveform's time line.
import { changes } from "audio-playground-changes";
import {
  GAIN_CEILING_DB, GAIN_FLOOR_DB, ICONS, colorOf, decibels, drawBars, fitCanvas, fullScale, gainToSlider, isTyping,
  loadPyramid, loadSpectro, onSchemeChange, player, sliderToGain,
} from "audio-playground-player";

const HEIGHT_PX = 52;
const SPECTRUM_PX = 120;

export default {
  template: `
    <div class="tracks" :aria-busy="unconfirmed.length > 0">
      <p v-if="!tracks.length" class="tracks-empty mute">{{ emptyText }}</p>
      <div v-for="track in rows" :key="track.id" class="track" :class="{ silent: !isAudible(track) }"
           role="group" :aria-label="track.name" :style="{ '--stem': track.color }" @keydown="onKey($event, track)">
        <div class="strip">
          <span class="track-name"><i class="dot"></i><b :title="track.name">{{ track.name }}</b>
            <button type="button" class="icon-button spectrum" :aria-pressed="!!spectra[track.name]"
                    :aria-label="'Spectrogram of ' + track.name" @click="toggleSpectrum(track)"
                    data-tip="Which pitches sound when: spectrogram or waveform">${ICONS.spectrum}</button>
            <a v-if="track.download" class="icon-button" :href="prefixed(track.download)" download
               :aria-label="'Download ' + track.name" data-tip="Keep this sound as a file, without the mixer's gain">
              ${ICONS.download}
            </a>
            <button v-if="menu" type="button" class="icon-button" :aria-label="'More for ' + track.name"
                    data-tip="More to do with this sound" @click="$emit('menu', track.id)">
              ${ICONS.more}
            </button>
          </span>
          <span class="controls">
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
            <output class="readout">{{ decibels(gain(track)) }}</output>
            <input class="pan" type="range" min="-1" max="1" step="0.05" :value="mix[track.id]?.pan ?? 0"
                   :aria-label="'Place of ' + track.name" :aria-valuetext="placeText(track)"
                   data-tip="Left or right; double-click for the middle" @input="onPan($event, track)" @change="report"
                   @dblclick="setPan(track, 0)" @keydown="onPanKey($event, track)" />
          </span>
        </div>
        <div class="lane" @pointerdown="onSeek($event, track)" @pointermove="onSeek($event, track)"
             @pointerup="onSeek($event, track)" @pointercancel="dragging = false">
          <canvas :style="{ height: height(track) + 'px' }" :ref="(el) => (canvases[track.id] = el)" aria-hidden="true"></canvas>
          <div class="playhead" :ref="(el) => (heads[track.id] = el)"></div>
          <div v-if="failures[track.id]" class="lane-note" role="alert">{{ failures[track.id] }}</div>
          <div v-else-if="!drawn[track.id]" class="lane-note skeleton"></div>
          <p v-if="track.note" class="track-note">{{ track.note }}</p>
          <div v-if="track.explained?.length" class="explained" :style="stretched(track)" role="img"
               :aria-label="explainedText(track)" :title="explainedText(track)">
            <i v-for="value in track.explained" :class="{ low: value < 0.5 }" :style="{ opacity: 0.3 + 0.7 * value }"></i>
          </div>
        </div>
      </div>
    </div>`,

  mixins: [changes],
  props: { tracks: { type: Array, default: () => [] }, emptyText: String, menu: Boolean, allSides: Boolean },
  emits: ["seek", "menu"],

  data() {
    return { side: player.side, mix: {}, drawn: {}, failures: {}, spectra: {}, width: 0, range: null, dragging: false };
  },

  computed: {
    /** The tracks to draw: while results are compared, those of the side that is heard, or of all of them. */
    rows() {
      if (this.allSides) return this.tracks.filter((track) => track.inverted === undefined);
      return this.tracks.filter((track) => !track.side || track.side === this.side);
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
    this.reported = {}; // the mixer settings that the server knows, by the track's id
  },
  mounted() {
    this.observer = new ResizeObserver(() => this.drawAll());
    this.observer.observe(this.$el);
    this.ends = [
      player.on("frame", () => this.dragging || this.moveHead(player.position)),
      player.on("mix", () => this.readMix()),
      player.on("tracks", () => this.readMix()),
      player.on("range", () => this.drawAll()),
      player.on("side", () => this.showSide()),
      onSchemeChange(() => this.drawAll()),
      () => this.observer.disconnect(),
      () => player.setTracks(this, []),
    ];
    this.$nextTick(() => this.adopt());
  },
  beforeUnmount() {
    this.ends.forEach((end) => end());
  },
  watch: {
    tracks() {
      this.adopt();
    },
  },

  methods: {
    decibels,

    prefixed(url) {
      return url.startsWith("/") ? (window.path_prefix ?? "") + url : url;
    },

    adopt() {
      player.setTracks(this, this.tracks);
      this.readMix();
      const known = ({ id }) => [id, this.reported[id] ?? { ...player.mixOf(id) }];
      this.reported = Object.fromEntries(this.tracks.map(known));
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
      this.width = Object.values(this.canvases).find((canvas) => canvas)?.clientWidth ?? 0;
      if (this.width) this.tracks.forEach((track) => this.draw(track));
      this.moveHead(this.head);
    },

    draw(track) {
      const canvas = this.canvases[track.id];
      if (!canvas || !this.pyramids[track.id]) return;
      const context = fitCanvas(canvas, this.width, this.height(track));
      const ready = Math.min(track.ready_samples ?? track.n_samples, track.n_samples);
      if (this.height(track) === SPECTRUM_PX) {
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
      if (ready < track.n_samples) this.drawUnready(context, canvas, ready);
      drawBars(context, this.pyramids[track.id], this.view, { top: 0, height: HEIGHT_PX, color, ready, scale });
    },

    /** The height of a row in pixels; a track that is still being made has no spectrogram yet. */
    height(track) {
      return this.spectra[track.name] && track.ready_samples === undefined ? SPECTRUM_PX : HEIGHT_PX;
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

    /** Draw a thin dashed zero line where the track is still being computed. */
    drawUnready(context, canvas, ready) {
      const x = Math.max(0, (ready - this.view.start) / this.view.samplesPerPixel);
      context.strokeStyle = colorOf(canvas.parentElement, "var(--mute)");
      context.setLineDash([3, 5]);
      context.beginPath();
      context.moveTo(x, HEIGHT_PX / 2);
      context.lineTo(this.width, HEIGHT_PX / 2);
      context.stroke();
      context.setLineDash([]);
    },

    explainedText(track) {
      const worst = Math.min(...track.explained);
      const at = track.explained.indexOf(worst) + 1;
      return `How much of this sound the mixture explains, per chunk; least in chunk ${at}: ${Math.round(100 * worst)} %`;
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

    placeText(track) {
      const pan = Math.round(100 * (this.mix[track.id]?.pan ?? 0));
      return pan ? `${Math.abs(pan)} % ${pan < 0 ? "left" : "right"}` : "in the middle";
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
      if (!key || event.repeat || isTyping(event)) return;
      this.toggle(track, key);
      event.preventDefault();
    },

    /** Called from Python: set mute, solo, gain and pan of the tracks in `rows`, unless they were changed since. */
    setMix(rows) {
      const since = (id) => this.unconfirmed.flat().filter((change) => change.id === id);
      for (const { id, ...mix } of rows) player.setMix(id, Object.assign(mix, ...since(id).map(({ set }) => set)));
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
      if (event.type !== "pointerup") return;
      this.dragging = false;
      player.seek(this.head);
      this.$emit("seek", this.head / player.rate);
    },
  },
};
