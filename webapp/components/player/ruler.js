// The time ruler: computes where its marks go, and where a passage lies.

const STEPS_S = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const MARK_PX = 96; // the least distance between two labels

/** Return the marks of the visible range as [{time_s, x}], and the number of decimals that their labels need. */
export function ruler({ start, samplesPerPixel, width }, sampleRate) {
  const secondsPerPixel = samplesPerPixel / sampleRate;
  const step = STEPS_S.find((s) => s / secondsPerPixel >= MARK_PX) ?? STEPS_S.at(-1);
  const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
  const marks = [];
  const first = Math.ceil(start / sampleRate / step - 1e-9);
  for (let k = first; ; k++) {
    const x = (k * step * sampleRate - start) / samplesPerPixel;
    if (x > width) return { marks, digits };
    marks.push({ time_s: k * step, x });
  }
}

/** Return the style that lays a passage {start, end} in samples on the time line; null for none. */
export function passageStyle(passage, { start, samplesPerPixel }) {
  if (!passage) return null;
  const px = (sample) => `${sample / samplesPerPixel}px`;
  return { left: px(passage.start - start), width: px(passage.end - passage.start) };
}
