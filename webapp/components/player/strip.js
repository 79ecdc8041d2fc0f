// The strip under the waveform: a cell for each chunk on the same time line, with marks for the spans that reach it.
import { colorOf, fitCanvas } from "./canvas.js";
import { cellColors, describeReach, drawCell } from "./celldraw.js";

export const STRIP_PX = 20; // height of a mark of "-" spans, a cell, and a mark of "+" spans
const MARK_PX = 4;
const DASH_PX = [4, 3]; // dashes of "-" marks, so that they differ from "+" without colour

export class Strip {
  /** `view` is that of the waveform; `draw` reads it. */
  constructor(canvas, view) {
    this.canvas = canvas;
    this.view = view;
    this.chunks = [];
    this.colors = null;
  }

  /** Set and draw the chunks; `marked` is {name, color} of the prompt whose spans are marked. */
  setChunks(chunks, marked) {
    this.chunks = chunks.map((chunk) => ({ ...chunk })); // copies, which `update` changes
    this.marked = marked;
    this.draw();
  }

  draw() {
    if (!this.chunks.length || !this.view.width) return;
    fitCanvas(this.canvas, this.view.width, STRIP_PX);
    this.colors = cellColors((css) => colorOf(this.canvas.parentElement, css));
    if (this.marked) this.colors.plus = this.colors.minus = colorOf(this.canvas.parentElement, this.marked.color);
    this.chunks.forEach((_, index) => this.drawChunk(index));
  }

  /** Change the state of one chunk and redraw its cell alone. */
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
    drawCell(context, chunk, { x: left, y: MARK_PX + 2, width, height: STRIP_PX - 2 * MARK_PX - 4 }, this.colors);
    const mark = (y, color, dash) => {
      context.strokeStyle = color;
      context.lineWidth = MARK_PX;
      context.setLineDash(dash);
      context.beginPath();
      context.moveTo(left, y + MARK_PX / 2);
      context.lineTo(left + width, y + MARK_PX / 2);
      context.stroke();
    };
    if (chunk.plus) mark(STRIP_PX - MARK_PX, this.colors.plus, []);
    if (chunk.minus) mark(0, this.colors.minus, DASH_PX);
  }

  /** Return the index of the chunk at x, or -1. */
  at(x) {
    const sample = this.view.sampleAt(x);
    return this.chunks.findIndex((chunk) => sample >= chunk.start && sample < chunk.start + chunk.count);
  }

  /** Return a description of the chunk at x, or "". */
  describe(x) {
    const index = this.at(x);
    if (index < 0) return "";
    const { state, fraction = 0 } = this.chunks[index];
    const share = state === "running" ? ` ${Math.round(100 * fraction)} %` : "";
    const words = [`Chunk ${index + 1} of ${this.chunks.length}: ${state}${share}`];
    return [...words, ...describeReach([this.chunks[index]], this.marked?.name)].join("; ");
  }
}
