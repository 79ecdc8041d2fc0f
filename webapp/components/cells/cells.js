// A row of cells for a job, one per chunk. It is drawn on a canvas, so that a thousand chunks cost as little as ten.
import { cellColors, colorOf, describeCells, drawCell, fitCanvas, onSchemeChange } from "audio-playground-player";

const HEIGHT_PX = 14;

export default {
  template: `<span class="cells"><canvas ref="canvas" role="img" :aria-label="label + ': ' + words"></canvas></span>`,

  props: { cells: { type: Array, default: () => [] }, label: String },

  data() {
    return { words: "" };
  },

  mounted() {
    this.adopt();
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.$el);
    this.endScheme = onSchemeChange(() => this.draw());
  },
  beforeUnmount() {
    this.observer.disconnect();
    this.endScheme();
  },
  watch: {
    cells() {
      this.adopt();
      this.draw();
    },
  },

  methods: {
    adopt() {
      this.live = this.cells.map((cell) => ({ ...cell }));
      this.words = describeCells(this.live);
    },

    draw() {
      this.width = this.$el.clientWidth;
      if (!this.width) return;
      this.context = fitCanvas(this.$refs.canvas, this.width, HEIGHT_PX);
      this.colors = cellColors((css) => colorOf(this.$el, css));
      this.live.forEach((_, index) => this.drawOne(index));
    },

    drawOne(index) {
      const pitch = this.width / this.live.length;
      const gap = pitch > 8 ? 3 : pitch > 4 ? 1 : 0;
      const box = { x: index * pitch, y: 0, width: pitch - gap, height: HEIGHT_PX };
      drawCell(this.context, this.live[index], box, this.colors);
    },

    updateCell(index, state, fraction) {
      if (!this.live[index]) return;
      Object.assign(this.live[index], { state, fraction });
      this.words = describeCells(this.live);
      if (this.context) this.drawOne(index);
    },
  },
};
