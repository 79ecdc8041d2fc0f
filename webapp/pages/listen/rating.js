// A trial of ratings: a reference, and sounds to be rated against it, one of which is the reference again. Nothing here
// knows which one.
import { el } from "./dom.js";
import { leaving, progress } from "./progress.js";

const REFERENCE = "R";
const WORDS = ["Bad", "Poor", "Fair", "Good", "Excellent"]; // the five parts of the scale (ITU-R BS.1534)
const MIDDLE = 50;

/** Show a trial in `main`; resolves with the scores from A on. `state` is the server's, `names` those of the sounds. */
export function rating(main, player, state, names, leave) {
  const rated = names.filter((name) => name !== REFERENCE);
  const heard = new Set();
  const scores = new Map();
  const buttons = new Map(names.map((name) => [name, soundButton(name, () => hear(name))]));
  const sliders = new Map(rated.map((name) => [name, slider(name, (score) => rate(name, score))]));
  const values = new Map(rated.map((name) => [name, el("output", { class: "score" }, "–")]));
  const missing = el("p", { class: "mute", role: "status" });
  const play = el("button", { class: "plain", type: "button", onclick: toggle });
  const next = el("button", { class: "answer", type: "button" }, "Next");

  function hear(name) {
    heard.add(name);
    player.press(name);
    say();
  }

  function toggle() {
    player.toggle();
    if (player.playing) heard.add(player.heard);
    say();
  }

  function rate(name, score) {
    scores.set(name, score);
    values.get(name).textContent = String(score);
    say();
  }

  /** What is still to do, in words; nothing if the trial can be answered. */
  function left() {
    const unheard = names.filter((name) => !heard.has(name));
    if (unheard.length) return `Not heard yet: ${unheard.map(labelOf).join(", ")}.`;
    const unrated = rated.filter((name) => !scores.has(name));
    return unrated.length ? `Not rated yet: ${unrated.join(", ")}.` : "";
  }

  function say() {
    missing.textContent = left();
    next.setAttribute("aria-disabled", String(left() !== ""));
  }

  return new Promise((resolve) => {
    const done = () => {
      if (left()) return say();
      window.removeEventListener("keydown", onKey);
      player.onchange = () => {};
      resolve(rated.map((name) => scores.get(name)));
    };
    const onKey = (event) => {
      if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
      const name = event.key.toUpperCase();
      if (buttons.has(name)) {
        hear(name);
        (sliders.get(name) ?? buttons.get(name)).focus();
      } else if (event.key === "k") toggle();
      else return;
      event.preventDefault();
    };
    next.onclick = done;
    player.onchange = () => {
      for (const [name, button] of buttons) button.setAttribute("aria-pressed", String(player.playing && player.heard === name));
      play.textContent = player.playing ? "Stop (K)" : "Play (K)";
    };
    window.addEventListener("keydown", onKey);
    const count = state.training
      ? "A trial to get used to it; it does not count."
      : `Passage ${state.n_answered + 1} of ${state.n_trials}.`;
    const rows = rated.map((name) =>
      el("div", { class: "rated" }, buttons.get(name), sliders.get(name), values.get(name)),
    );
    main.replaceChildren(
      el("h1", {}, "How close is each sound to the reference?"),
      el("p", { class: "mute", role: "status" }, `${count} One of them is the reference itself: it deserves 100.`),
      el("div", { class: "rated" }, buttons.get(REFERENCE), scale(), el("span", {})),
      el("div", { class: "ratings", role: "group", "aria-label": "Sounds to rate" }, ...rows),
      missing,
      next,
      el("div", { class: "foot" }, play, progress(state), leaving(state, leave)),
    );
    player.onchange();
    say();
    buttons.get(REFERENCE).focus();
  });
}

function labelOf(name) {
  return name === REFERENCE ? "Reference" : name;
}

function soundButton(name, onclick) {
  const label = labelOf(name);
  const attributes = { class: "letter", type: "button", "aria-pressed": "false", "aria-label": `Hear ${label}`, onclick };
  return el("button", attributes, label);
}

function slider(name, onscore) {
  const input = el("input", { type: "range", min: 0, max: 100, step: 1, value: MIDDLE, "aria-label": `Score of ${name}` });
  const spoken = () => `${input.value}, ${WORDS[Math.min(4, Math.floor(input.value / 20))]}`;
  input.setAttribute("aria-valuetext", "not rated yet");
  const take = () => {
    input.setAttribute("aria-valuetext", spoken());
    onscore(Number(input.value));
  };
  input.oninput = take;
  input.onchange = take; // a press in the middle changes no value, and is an answer too
  input.onpointerup = take;
  return input;
}

function scale() {
  return el("div", { class: "scale mute", "aria-hidden": "true" }, ...WORDS.map((word) => el("span", {}, word)));
}
