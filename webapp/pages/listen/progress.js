// How far a set has come: a bar with a part for each trial.
import { el } from "./dom.js";

export function progress({ n_answered, n_trials }) {
  const bar = el("div", { class: "progress", role: "img", "aria-label": `${n_answered} of ${n_trials} answered` });
  for (let i = 0; i < n_trials; i++) bar.append(el("i", { class: i < n_answered ? "on" : "" }));
  return bar;
}
