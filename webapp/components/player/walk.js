// The order in which samples are played: straight on, or round a loop. Pure arithmetic, no audio.

/** The next stretch from `cursor`: {start, count, next}; null at the end. Never crosses a window or a loop's end. */
export function stretch(cursor, { total, windowSize, loop }) {
  const shortest = Math.ceil(windowSize / 100); // 20 ms: anything shorter is a tone, and costs as much as it sounds
  const looping = loop.on && total >= shortest;
  const from = looping ? Math.min(loop.start ?? 0, total - shortest) : 0;
  const to = looping ? Math.min(Math.max(loop.end ?? total, from + shortest), total) : total;
  let start = Math.max(0, cursor);
  if (looping && start === to) start = from;
  const limit = start < to ? to : total; // someone who seeks behind the loop hears the rest first
  if (start >= limit) {
    if (!looping) return null;
    return stretch(from, { total, windowSize, loop });
  }
  const end = Math.min(limit, (Math.floor(start / windowSize) + 1) * windowSize);
  return { start, count: end - start, next: end };
}

/** Indices of the windows the next `samples` samples need. */
export function windowsAhead(cursor, samples, course) {
  const indices = new Set();
  let left = samples;
  while (left > 0) {
    const part = stretch(cursor, course);
    if (!part) break;
    indices.add(Math.floor(part.start / course.windowSize));
    cursor = part.next;
    left -= part.count;
  }
  return indices;
}
