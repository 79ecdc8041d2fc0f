// Changes the speed and keeps the pitch: grains of the sound are laid further apart or closer together, each joined to
// the one before it where the two are most alike (WSOLA, Verhelst and Roelands 1993).
//
// The positions of the grains are chosen once for all tracks, from the mix that is heard, so that tracks that cancel
// each other still do. A plan covers one stretch (walk.js) and begins and ends with the stretch's first and last
// samples, so that stretches follow each other without a gap as at speed 1.

export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5];
const GRAIN_S = 0.08; // a few periods of a low voice, and too short to be heard as an echo
const JOIN = 0.2; // the crossfade of two grains, as a share of a grain
const REACH = 0.15; // the search to either side, as a share of a grain: it always holds a period of 42 Hz
const COARSE = 4; // samples that are summed to one for the first, coarse search

/** Return the plan of `sound` (mono, `rate` Hz): {join, frames, grains: [{source, frame, length}]}; null at speed 1. */
export function planTempo(sound, speed, rate) {
  const n = Math.round(sound.length / speed / Math.min(GRAIN_S * rate, sound.length / 3)); // short loops: short grains
  const grain = Math.round(sound.length / speed / n);
  const join = Math.round(JOIN * grain);
  if (speed === 1 || join < COARSE) return null;
  const hop = (sound.length - grain) / (n - 1);
  const coarse = thinned(sound);
  const grains = [{ source: 0, frame: 0, length: grain + join }];
  for (let k = 1; k < n; k++) {
    const after = grains.at(-1).source + grain; // where the sound would go on without a joint
    let source = alike(coarse, after / COARSE, (k * hop) / COARSE, (REACH * grain) / COARSE, join / COARSE) * COARSE;
    source = alike(sound, after, source, COARSE, join);
    grains.push({ source, frame: k * grain, length: grain + join });
  }
  const last = grains.at(-1);
  last.length = sound.length - last.source;
  return { join, grains, frames: last.frame + last.length };
}

/** Return the position within `reach` of `ideal` whose next `count` samples are most like those at `after`. */
function alike(sound, after, ideal, reach, count) {
  [after, ideal, reach, count] = [after, ideal, reach, count].map(Math.round);
  const likeness = (at) => {
    let dot = 0;
    let energy = 1e-12;
    for (let i = 0; i < count; i++) {
      dot += sound[after + i] * sound[at + i];
      energy += sound[at + i] ** 2;
    }
    return dot / Math.sqrt(energy);
  };
  let best = ideal;
  let most = likeness(ideal);
  for (let at = Math.max(0, ideal - reach); at <= Math.min(ideal + reach, sound.length - count); at++) {
    const found = likeness(at);
    if (found > most) [best, most] = [at, found];
  }
  return best;
}

function thinned(sound) {
  const thin = new Float32Array(Math.floor(sound.length / COARSE));
  for (let i = 0; i < thin.length * COARSE; i++) thin[Math.floor(i / COARSE)] += sound[i];
  return thin;
}

/** Return how many frames of a plan can be made of the first `count` samples. */
export function framesWithin(plan, count) {
  const until = ({ source, frame, length }) => (source + length > count ? frame + Math.max(0, count - source) : Infinity);
  return Math.min(plan.frames, ...plan.grains.map(until));
}

/** Return the frames [from, to) of a plan as an AudioBuffer, from the sound that begins at `offset` of `buffer`. */
export function laid(buffer, offset, { join, grains }, from, to) {
  const { numberOfChannels, sampleRate } = buffer;
  const made = new AudioBuffer({ length: to - from, numberOfChannels, sampleRate });
  for (let channel = 0; channel < numberOfChannels; channel++) {
    const samples = buffer.getChannelData(channel);
    const out = made.getChannelData(channel);
    grains.forEach(({ source, frame, length }, k) => {
      const end = Math.min(to, frame + length);
      for (let at = Math.max(from, frame); at < end; at++) {
        const i = at - frame;
        let gain = 1;
        if (k > 0 && i < join) gain = (i + 0.5) / join;
        else if (k < grains.length - 1 && i >= length - join) gain = (length - i - 0.5) / join;
        out[at - from] += gain * (samples[offset + source + i] ?? 0);
      }
    });
  }
  return made;
}
