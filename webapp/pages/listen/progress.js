// How far a set has come: a bar with a part for each trial, and a way out before the end.
import { el } from "./dom.js";

export function progress({ n_answered, n_trials }) {
  const bar = el("div", { class: "progress", role: "img", "aria-label": `${n_answered} of ${n_trials} answered` });
  for (let i = 0; i < n_trials; i++) bar.append(el("i", { class: i < n_answered ? "on" : "" }));
  return bar;
}

/** A button by which whoever made the test leaves it, to go on later; guests close the page. */
export function leaving({ guided }, leave) {
  if (guided) return null;
  const title = "Your answers stay. “Go on” in the list of tests takes you back to this trial.";
  return el("button", { class: "plain", type: "button", title, onclick: leave }, "Leave");
}
