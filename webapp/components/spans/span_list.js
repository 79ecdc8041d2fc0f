// Lists of spans: snapping to the model's frames (Grid), painting over and sorting, seconds to frames and back, changes,
// undo.
//
// All of it is arithmetic and draws nothing. A span {prompt, sign, a, b} marks the frames [a, b). Where spans of one
// prompt overlap, the model obeys the last one of the list. Lists are sorted, so the span that starts last wins.

import { clock } from "audio-playground-player";

const RATE = 48_000; // Hz; SAM-Audio counts the samples of its frames at this rate

export class Grid {
  /** A grid of `frame_s` seconds over `duration_s`; with `frame_s` 0 nothing snaps, and it counts milliseconds. */
  constructor(duration_s, frame_s) {
    this.duration_s = duration_s;
    this.frame_s = frame_s;
    this.unit_s = frame_s || 0.001;
    this.hop = frame_s ? Math.round(frame_s * RATE) : 48;
    this.count = Math.max(0, Math.ceil(duration_s / this.unit_s - 1e-6));
  }

  clip(k, low = 0, high = this.count) {
    return Math.max(low, Math.min(k, high));
  }

  /** Return the border between frames that is nearest to a time in seconds. */
  nearest(time_s) {
    return this.clip(Math.round(time_s / this.unit_s));
  }

  /** Return the border that the model makes of a time: the first at or after it, computed in the model's order. */
  borderOfModel(time_s) {
    return this.frame_s ? this.clip(Math.ceil((time_s * RATE) / this.hop)) : this.nearest(time_s);
  }

  /** Return a time in seconds of which the model makes border `k`; past the last whole frame, the recording's end. */
  time(k) {
    if (k >= this.count) return this.duration_s;
    const time_s = Math.round(k * this.unit_s * 1e6) / 1e6;
    // 0.28 * 48000 in floating point lies just above frame 7, so the model makes frame 8 of it; 0.2799 gives frame 7.
    return this.borderOfModel(time_s) > k ? Math.round(time_s * 1e4 - 1) / 1e4 : time_s;
  }

  /** Return the span moved by `by` frames, or with its border "a" or "b" moved; it keeps one frame and stays inside. */
  moved(span, what, by) {
    let { a, b } = span;
    if (what === "a") a = this.clip(a + by, 0, b - 1);
    else if (what === "b") b = this.clip(b + by, a + 1);
    else [a, b] = [a, b].map((k) => k + this.clip(by, -span.a, this.count - span.b));
    return { ...span, a, b, cut: false };
  }

  /** Return the time of border `k` as people read it: "1.20", "1:02.48". */
  text(k) {
    const digits = this.frame_s ? 2 : 3;
    const rounded_s = Number(Math.min(k * this.unit_s, this.duration_s).toFixed(digits));
    return clock(rounded_s, digits).replace(/^0:0?/, "");
  }

  range(span, word = "–") {
    return `${this.text(span.a)} ${word} ${this.text(span.b)} s`;
  }
}

/** Return the seconds of "1.2", "1:02.5" or "1:00:02,5"; null if the text is no time. */
export function parseTime(text) {
  const match = /^(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,6}(?:[.,]\d*)?|[.,]\d+)$/.exec(text.trim());
  if (!match) return null;
  const [hours, minutes, seconds] = match.slice(1).map((part) => Number((part ?? "0").replace(",", ".")));
  if ((match[2] !== undefined && seconds >= 60) || (match[1] !== undefined && minutes >= 60)) return null;
  return 3600 * hours + 60 * minutes + seconds;
}

/** Return a span's sign as people read it. */
export const shown = (sign) => (sign === "-" ? "−" : "+");

export const same = (x, y) => x.prompt === y.prompt && x.sign === y.sign && x.a === y.a && x.b === y.b;
const contradict = (x, y) => x.prompt === y.prompt && x.sign !== y.sign && x.a < y.b && y.a < x.b;
const order = (x, y) => x.a - y.a || y.b - x.b; // of two with the same start the shorter comes last, so both are seen

/** Return a sentence about a span: where it is, and which other spans of its prompt win over it. */
export function describe(list, span, grid) {
  let words = `${shown(span.sign)} ${grid.range(span)}`;
  if (grid.frame_s) words += `, snapped to ${Math.round(1000 * grid.frame_s)} ms frames`;
  if (span.cut) words += "; cut at the end of the recording";
  const rank = (other) => order(span, other) || list.indexOf(span) - list.indexOf(other);
  const winners = list.filter((other) => contradict(span, other) && rank(other) < 0);
  const over = winners.map((other) => `${shown(other.sign)} ${grid.range(other)}`);
  return over.length ? `${words}. Where ${over.join(" and ")} lies over it, that one counts.` : words;
}

/** Return the list sorted; a span is cut back where sorting would let it win over a later one of the list. */
export function settled(list) {
  const done = [...list];
  for (let i = done.length - 1; i >= 0; i--) {
    const old = done[i];
    const over = done.slice(i + 1).find((later) => contradict(old, later) && order(old, later) > 0);
    if (!over) continue;
    const rest = [{ ...old, b: over.a }, { ...old, a: over.b, uid: undefined }].filter(({ a, b }) => a < b);
    done.splice(i, 1, ...rest);
    i += rest.length; // the rest of it may overlap others
  }
  return done.sort(order);
}

/** Return the list with `to` in place of `from`; without `from`, `to` is painted over the spans that are there. */
export function replaced(list, from, to) {
  if (!from) return settled([...list, to]);
  const rest = list.filter((span) => span.uid !== from.uid);
  return (to ? [...rest, to] : rest).sort(order);
}

/** Return what the model makes of spans in seconds: {spans, lost}; `lost` counts the spans that mark no frame. */
export function read(given, grid) {
  const all = given.map(({ prompt, sign, start_s, stop_s }) => {
    const cut = stop_s > grid.duration_s + grid.unit_s;
    return { prompt, sign, a: grid.borderOfModel(start_s), b: grid.borderOfModel(stop_s), cut };
  });
  const spans = settled(all.filter(({ a, b }) => a < b));
  return { spans, lost: all.filter(({ a, b }) => a >= b).length };
}

/** Return the spans in seconds, as the server keeps them. */
export function written(list, grid) {
  return list.map(({ prompt, sign, a, b }) => ({ prompt, sign, start_s: grid.time(a), stop_s: grid.time(b) }));
}

const equal = (x, y) => ["prompt", "sign", "start_s", "stop_s"].every((key) => x[key] === y[key]);

/** Return the spans without those of `others`, of equal ones as many as there are of them. */
function without(spans, others) {
  const left = [...spans];
  for (const other of others) {
    const at = left.findIndex((span) => equal(span, other));
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}

/**
 * Return the change {removed, added} of spans in seconds that makes `next` of `kept`. Only prompts whose spans differ
 * between the lists of frames `list` and `next` are in it; of those, spans between frames become whole frames.
 */
export function difference(kept, list, next, grid) {
  const missing = (from, other) => from.filter((span) => !other.some((one) => same(one, span)));
  const touched = new Set([...missing(list, next), ...missing(next, list)].map(({ prompt }) => prompt));
  const [old, fresh] = [kept, written(next, grid)].map((spans) => spans.filter(({ prompt }) => touched.has(prompt)));
  return { removed: without(old, fresh), added: without(fresh, old) };
}

/** Return spans in seconds after a change; `Draft.with_changed_anchors` does the same to what the server has. */
export function changed(spans, { removed, added }) {
  const touched = new Set([...removed, ...added].map(({ prompt }) => prompt));
  const others = spans.filter(({ prompt }) => !touched.has(prompt));
  const own = spans.filter(({ prompt }) => touched.has(prompt));
  return [...others, ...[...without(own, removed), ...added].sort((x, y) => x.start_s - y.start_s || y.stop_s - x.stop_s)];
}

/** The steps to undo and redo, kept as differences, so that undo takes back a person's own step and no other change. */
export class History {
  constructor(depth = 200) {
    this.depth = depth;
    this.past = []; // {removed, added}
    this.future = [];
  }

  push(before, after) {
    const missing = (list, other) => list.filter((span) => !other.some((one) => same(one, span)));
    this.past.push({ removed: missing(before, after), added: missing(after, before) });
    this.past = this.past.slice(-this.depth);
    this.future = [];
  }

  /** Return the list without the last step, or null if there is none; steps whose spans are gone are skipped. */
  undo(list) {
    return this.step(this.past, this.future, list, "added", "removed");
  }

  redo(list) {
    return this.step(this.future, this.past, list, "removed", "added");
  }

  step(from, onto, list, out, back) {
    while (from.length) {
      const edit = from.pop();
      const rest = list.filter((span) => !edit[out].some((one) => same(one, span)));
      if (list.length - rest.length < edit[out].length) continue;
      onto.push(edit);
      return [...rest, ...edit[back]].sort(order);
    }
    return null;
  }
}
