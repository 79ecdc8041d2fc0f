// Helpers to draw on canvases: device pixels, CSS colours, waveform bars, and redrawing when the scheme changes.

/** Size a canvas to its box in device pixels and return a context that counts in CSS pixels. */
export function fitCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/** Return a CSS colour (with variables or light-dark(), resolved at `element`) in a form that a canvas understands. */
export function colorOf(element, css) {
  const probe = document.createElement("span");
  probe.style.color = css;
  probe.style.display = "none";
  element.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

const FULLEST = 0.92; // share of the height that the loudest peak fills
const MOST_MAGNIFIED = 16; // 24 dB, so that noise far below the music is still drawn as silence

/** Return the amplitude that fills the height if the loudest peak is `peak` (0..1): quiet recordings are magnified. */
export function fullScale(peak) {
  return Math.max(peak / FULLEST, 1 / MOST_MAGNIFIED);
}

/** Draw a thin dashed zero line from `x` to `width`, where a track is still being computed, and `words` over it. */
export function drawUnready(context, { x, width, height, color, words }) {
  context.strokeStyle = context.fillStyle = color;
  context.setLineDash([3, 5]);
  context.beginPath();
  context.moveTo(x, height / 2);
  context.lineTo(width, height / 2);
  context.stroke();
  context.setLineDash([]);
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "bottom";
  if (context.measureText(words).width < width - x - 16) context.fillText(words, x + 8, height / 2 - 4);
}

/** Draw waveform bars two pixels apart, up to sample `ready`; `scale` is the amplitude that fills the height. */
export function drawBars(context, pyramid, view, { top, height, color, ready, scale }) {
  const middle = top + height / 2;
  const half = height / 2 / scale;
  context.fillStyle = color;
  for (let x = 0; x < view.width; x += 2) {
    const from = view.start + x * view.samplesPerPixel;
    if (from < 0 || from >= ready) continue;
    const [low, high] = pyramid.range(from, from + 2 * view.samplesPerPixel) ?? [0, 0];
    const y = middle - Math.max(high, 0) * half;
    const tall = Math.max(1, (Math.max(high, 0) - Math.min(low, 0)) * half);
    context.fillRect(x, tall === 1 ? middle - 0.5 : y, 1.4, tall);
  }
}

/** Call `redraw` when the scheme changes, on this page or in the system; returns a function that ends this. */
export function onSchemeChange(redraw) {
  const observer = new MutationObserver(redraw);
  observer.observe(document.body, { attributes: true, attributeFilter: ["class"] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["style"] });
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", redraw);
  return () => {
    observer.disconnect();
    system.removeEventListener("change", redraw);
  };
}
