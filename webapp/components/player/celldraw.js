// Draws chunks as cells and describes them in words, alike for the strip under the waveform and for job cards.

/** Draw one cell into [x, x + width) x [y, y + height), which is cleared first. */
export function drawCell(context, cell, { x, y, width, height }, colors) {
  context.clearRect(x, y, width, height);
  const box = (part, color) => {
    context.fillStyle = color;
    context.beginPath();
    context.roundRect(x, y, Math.max(1, width * part), height, Math.min(3, width / 2));
    context.fill();
  };
  box(1, cell.state === "skipped" ? colors.skipped : colors.pending);
  if (cell.state === "done") box(1, colors.done);
  if (cell.state === "cached") box(1, colors.cached);
  if (cell.state === "failed") box(1, colors.failed);
  if (cell.state === "running") {
    context.save();
    context.beginPath();
    context.rect(x, y, width * Math.min(1, Math.max(0.06, cell.fraction ?? 0)), height); // never empty: it has begun
    context.clip();
    box(1, colors.done);
    context.restore();
  }
}

/** Return the colours of the states of cells; `resolve` makes a canvas colour of a CSS colour. */
export function cellColors(resolve) {
  return {
    pending: resolve("var(--raise)"),
    skipped: resolve("color-mix(in srgb, var(--raise) 45%, transparent)"),
    done: resolve("var(--accent)"),
    cached: resolve("color-mix(in srgb, var(--accent) 45%, var(--raise))"),
    failed: resolve("var(--minus)"),
    plus: resolve("var(--plus)"),
    minus: resolve("var(--minus)"),
  };
}

/** Return the number of cells in each state, in words. */
export function describeCells(cells) {
  const count = (state) => cells.filter((cell) => cell.state === state).length;
  const kept = count("cached");
  const words = [`${count("done") + kept} of ${cells.length} chunks done`];
  if (kept) words.push(`${kept} from the cache`);
  if (count("running")) words.push(`${count("running")} running`);
  if (count("failed")) words.push(`${count("failed")} failed`);
  return words.join(", ");
}

/** Say which cells spans reach: ["+ drums reaches chunks 2 to 5, 8"]; of a single cell, ["+ drums reaches it"]. */
export function describeReach(cells, name = "span") {
  return Object.entries({ plus: "+", minus: "−" }).flatMap(([flag, sign]) => {
    const runs = []; // [first, last], counted from 1
    cells.forEach((cell, index) => {
      if (!cell[flag]) return;
      if (runs.at(-1)?.[1] === index) runs.at(-1)[1]++;
      else runs.push([index + 1, index + 1]);
    });
    if (!runs.length) return [];
    const chunks = runs.length > 1 || runs[0][0] < runs[0][1] ? "chunks" : "chunk";
    const places = runs.map(([first, last]) => (first === last ? first : `${first} to ${last}`));
    return `${sign} ${name} reaches ${cells.length > 1 ? `${chunks} ${places.join(", ")}` : "it"}`;
  });
}
