// Renders the player's output to samples instead of to a sound card, with the same schedule and gains.
import { pace } from "./schedule.js";
import { Voice } from "./voice.js";
import { stretch } from "./walk.js";

/** Render `count` frames from sample `start`; returns one Float32Array per channel. `fadeIn` as after a seek. */
export async function renderOffline(player, start, count, fadeIn) {
  const course = player.schedule.course;
  const voices = [...player.voices.values()];
  const channels = Math.max(1, ...voices.map((voice) => (voice.mix.pan ? 2 : voice.track.n_channels)));
  const context = new OfflineAudioContext({ numberOfChannels: channels, length: count, sampleRate: player.rate });
  const shadows = voices.map((voice) => {
    const shadow = new Voice(voice.track, () => {});
    shadow.audible = voice.audible;
    shadow.mix.pan = voice.mix.pan;
    return shadow;
  });
  for (let frame = 0, cursor = start; frame < count; ) {
    const part = stretch(cursor, course);
    if (!part) break;
    const index = Math.floor(part.start / course.windowSize);
    const windows = await Promise.all(
      shadows.map(async (shadow) => [shadow, await shadow.pcm.load(index, shadow.ready)]),
    );
    part.whenFrame = frame;
    pace(part, windows, player);
    for (const [shadow, window] of windows) {
      const to = shadow.framesOf(part);
      if (to) shadow.schedule(context, context.destination, window, part, { from: 0, to, fadeIn: fadeIn && frame === 0 });
    }
    frame += part.frames;
    cursor = part.next;
  }
  const rendered = await context.startRendering();
  for (const shadow of shadows) shadow.pcm.close();
  return Array.from({ length: channels }, (_, channel) => rendered.getChannelData(channel));
}
