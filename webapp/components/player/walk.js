// The order in which samples are played, straight on or round a loop: pure arithmetic without audio.

/** Return the next stretch {start, count, next}, which crosses no window and no end of the loop; null at the end. */
export function stretch(cursor, { total, windowSize, loop }) {
  const shortest = Math.ceil(windowSize / 100); // 20 ms: a shorter loop is heard as a tone, and each round costs work
  const looping = loop.on && total >= shortest;
  const from = looping ? Math.min(loop.start ?? 0, total - shortest) : 0;
  const to = looping ? Math.min(Math.max(loop.end ?? total, from + shortest), total) : total;
  let start = Math.max(0, cursor);
  if (looping && start === to) start = from;
  const limit = start < to ? to : total; // from behind the loop, the rest of the recording plays first
  if (start >= limit) {
    if (!looping) return null;
    return stretch(from, { total, windowSize, loop });
  }
  const end = Math.min(limit, (Math.floor(start / windowSize) + 1) * windowSize);
  return { start, count: end - start, next: end };
}

/** Return the set of the windows' indices that the next `samples` samples from `cursor` need. */
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
