// The strip under the waveform: one cell per chunk, on the same time line, with the spans that reach it.
import { colorOf, fitCanvas } from "./canvas.js";
import { cellColors, drawCell } from "./celldraw.js";

export const STRIP_PX = 14; // height: mark of "-" spans, cell, mark of "+" spans

export class Strip {
  /** `view` is the waveform's; the strip follows it when `draw` is called. */
  constructor(canvas, view) {
    this.canvas = canvas;
    this.view = view;
    this.chunks = [];
    this.colors = null;
  }

  setChunks(chunks) {
    this.chunks = chunks.map((chunk) => ({ ...chunk })); // ours to change, one cell at a time
    this.draw();
  }

  draw() {
    if (!this.chunks.length || !this.view.width) return;
    fitCanvas(this.canvas, this.view.width, STRIP_PX);
    this.colors = cellColors((css) => colorOf(this.canvas.parentElement, css));
    this.chunks.forEach((_, index) => this.drawChunk(index));
  }

  /** Change one chunk and redraw its cell alone. */
  update(index, state, fraction) {
    if (!this.chunks[index]) return;
    Object.assign(this.chunks[index], { state, fraction });
    if (this.colors) this.drawChunk(index);
  }

  drawChunk(index) {
    const chunk = this.chunks[index];
    const left = this.view.xOf(chunk.start) + 1;
    const width = Math.max(1, chunk.count / this.view.samplesPerPixel - 2);
    if (left > this.view.width || left + width < 0) return;
    const context = this.canvas.getContext("2d");
    drawCell(context, chunk, { x: left, y: 4, width, height: 6 }, this.colors);
    const mark = (y, color) => {
      context.fillStyle = color;
      context.fillRect(left, y, width, 2);
    };
    if (chunk.plus) mark(12, this.colors.plus);
    if (chunk.minus) mark(0, this.colors.minus);
  }

  /** Index of the chunk at x, or -1. */
  at(x) {
    const sample = this.view.sampleAt(x);
    return this.chunks.findIndex((chunk) => sample >= chunk.start && sample < chunk.start + chunk.count);
  }

  /** What to say about the chunk at x. */
  describe(x) {
    const index = this.at(x);
    if (index < 0) return "";
    const { state, fraction = 0 } = this.chunks[index];
    const share = state === "running" ? ` ${Math.round(100 * fraction)} %` : "";
    return `Chunk ${index + 1} of ${this.chunks.length}: ${state}${share}`;
  }
}
