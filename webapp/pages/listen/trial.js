// One trial: the sounds to switch between, the answers, and how far the set has come. Nothing here knows what is right.
import { el } from "./dom.js";
import { leaving, progress } from "./progress.js";

const SOUND_KEYS = { a: "A", x: "X", b: "B" };
const ANSWERS = {
  abx: [
    ["A", "X is A", "ArrowLeft", "←"],
    ["B", "X is B", "ArrowRight", "→"],
  ],
  preference: [
    ["A", "A is better", "ArrowLeft", "←"],
    ["none", "No difference", "ArrowDown", "↓"],
    ["B", "B is better", "ArrowRight", "→"],
  ],
};
const ORDER = ["A", "X", "B"];

/** Show a trial in `main`; resolves with the answer. `state` is the server's, `names` those of the sounds. */
export function trial(main, player, state, names, leave) {
  const shown = ORDER.filter((name) => names.includes(name));
  const sounds = new Map(
    shown.map((name) => [
      name,
      el(
        "button",
        { class: "sound", type: "button", "aria-pressed": "false", onclick: () => player.press(name) },
        el("b", {}, name),
        el("span", { class: "mute" }),
      ),
    ]),
  );
  const play = el("button", { class: "plain", type: "button", onclick: () => player.toggle() });
  const asked = state.kind === "abx" ? "Is X the sound A or the sound B?" : "Which one sounds better to you, A or B?";
  const count = state.training
    ? "A trial to get used to it; it does not count."
    : `Trial ${state.n_answered + 1} of ${state.n_trials}. The score comes at the end.`;
  return new Promise((resolve) => {
    const done = (said) => {
      window.removeEventListener("keydown", onKey);
      player.onchange = () => {};
      resolve(said);
    };
    const answers = ANSWERS[state.kind].map(([said, words, , arrow]) =>
      el("button", { class: "answer", type: "button", onclick: () => done(said) }, words, el("kbd", {}, arrow)),
    );
    const onKey = (event) => {
      if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
      const sound = SOUND_KEYS[event.key.toLowerCase()];
      const answer = ANSWERS[state.kind].find(([, , key]) => key === event.key);
      if (sound && sounds.has(sound)) player.press(sound);
      else if (answer) done(answer[0]);
      else if (event.key === "k") player.toggle();
      else return;
      event.preventDefault();
    };
    player.onchange = () => {
      for (const [name, button] of sounds) {
        const plays = player.playing && player.heard === name;
        button.setAttribute("aria-pressed", String(plays));
        button.lastChild.textContent = plays ? `Stop (${name})` : `Play (${name})`;
      }
      play.textContent = player.playing ? "Stop (K)" : "Play (K)";
    };
    window.addEventListener("keydown", onKey);
    main.replaceChildren(
      el("h1", {}, asked),
      el("p", { class: "mute", role: "status" }, count),
      el("div", { class: "sounds", role: "group", "aria-label": "Sounds" }, ...sounds.values()),
      el("div", { class: "answers", role: "group", "aria-label": "Your answer" }, ...answers),
      el("div", { class: "foot" }, play, progress(state), leaving(state, leave)),
    );
    player.onchange();
    sounds.get(shown[0]).focus();
  });
}
