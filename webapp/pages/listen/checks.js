// What is asked of the headphones: which ear a tone is in, and which of three is the quietest (Woods, Siegel, Traer &
// McDermott 2017): one of them plays in opposite phase, which cancels between loudspeakers and not between ears.
const TONE_S = 1.0;
const GAP_S = 0.4;
const LEVEL = 0.1; // quiet, as nobody knows yet how loud it is there
const QUIETER = 0.5;
const LEFT_HZ = 440;
const PHASE_HZ = 200;

/** Play tones one after another: {hz, left, right} are the gains of each; resolves when they are over. */
export async function tones(context, ones) {
  let at = context.currentTime + 0.05;
  for (const { hz, left, right } of ones) {
    const merger = new ChannelMergerNode(context, { numberOfInputs: 2 });
    const tone = new OscillatorNode(context, { frequency: hz });
    for (const [channel, level] of [left, right].entries()) {
      const gain = new GainNode(context, { gain: 0 });
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(level, at + 0.05);
      gain.gain.setValueAtTime(level, at + TONE_S - 0.05);
      gain.gain.linearRampToValueAtTime(0, at + TONE_S);
      tone.connect(gain).connect(merger, 0, channel);
    }
    merger.connect(context.destination);
    tone.start(at);
    tone.stop(at + TONE_S);
    at += TONE_S + GAP_S;
  }
  await new Promise((resolve) => setTimeout(resolve, (at - context.currentTime) * 1000));
}

/** The questions in an order that is drawn: {name, ask, answers, right, play(context)}. */
export function questions() {
  const ears = ["left", "right"].map((ear) => ({
    name: ear,
    ask: "Where is the tone?",
    answers: ["Left", "Middle", "Right"],
    right: ear === "left" ? "Left" : "Right",
    play: (context) =>
      tones(context, [{ hz: LEFT_HZ, left: ear === "left" ? LEVEL : 0, right: ear === "right" ? LEVEL : 0 }]),
  }));
  if (Math.random() < 0.5) ears.reverse();
  const three = [
    { left: LEVEL, right: LEVEL },
    { left: LEVEL, right: -LEVEL },
    { left: LEVEL * QUIETER, right: LEVEL * QUIETER },
  ];
  for (let i = three.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [three[i], three[j]] = [three[j], three[i]];
  }
  const quietest = three.findIndex(({ left }) => left < LEVEL);
  const phase = {
    name: "headphones",
    ask: "Three tones: which is the quietest?",
    answers: ["First", "Second", "Third"],
    right: ["First", "Second", "Third"][quietest],
    play: (context) =>
      tones(
        context,
        three.map((one) => ({ hz: PHASE_HZ, ...one })),
      ),
  };
  return [...ears, phase];
}
