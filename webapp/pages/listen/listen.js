// The listening room: a name, the headphones, a trial to get used to it, the trials, the end. One screen after another.
import { Refused, Room } from "./ask.js";
import { questions } from "./checks.js";
import { el } from "./dom.js";
import { rating } from "./rating.js";
import { trial } from "./trial.js";
import { TrialPlayer } from "./trial_player.js";

const main = document.getElementById("room");
const base = location.pathname.replace(/\/$/, "");
const prefix = base.slice(0, base.lastIndexOf("/listen/")); // the server may stand behind a path of another
const kept = `listening ${base}`; // the listener's token, so that a lost page goes on where it was
const lost = el("p", { class: "lost", role: "alert", hidden: true }, "The connection is lost. Trying again…");
document.body.append(lost);
const room = new Room(base, (is) => (lost.hidden = !is));
const player = new TrialPlayer();

/** Show a screen with one main button; resolves when it is pressed. */
function screen(title, texts, label, ...fields) {
  return new Promise((resolve) => {
    const form = el("form", { onsubmit: (event) => (event.preventDefault(), resolve(form)) }, ...fields);
    form.append(el("button", { class: "answer", type: "submit" }, label));
    main.replaceChildren(el("h1", {}, title), ...texts.map((text) => el("p", {}, text)), form);
    (form.querySelector("input") ?? form.querySelector("button")).focus();
  });
}

function end(title, ...texts) {
  player.clear();
  main.replaceChildren(el("h1", {}, title), ...texts.filter(Boolean).map((text) => el("p", { role: "status" }, text)));
}

function linked(name) {
  return new URLSearchParams(location.hash.slice(1)).get(name) ?? "";
}

/** Whoever made the test goes back to the page from which it was opened; its answers stay. */
function leave() {
  if (history.length > 1) history.back();
  else location.assign(`${prefix}/compare`);
}

async function begin() {
  const token = linked("set") || localStorage.getItem(kept);
  if (token) {
    room.token = token;
    try {
      const state = await room.json("state");
      localStorage.setItem(kept, token);
      return await goOn(state);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      localStorage.removeItem(kept); // the test was deleted, or made anew
    }
  }
  room.token = linked("key");
  const about = await room.json("about");
  if (about.closed) return end("This test is closed", "It takes no more answers. Thank you for coming.");
  const joined = about.guided ? await guided(about) : { name: "Host", checks: {} };
  if (!about.guided) await ready(about);
  const state = await room.json("join", joined);
  localStorage.setItem(kept, (room.token = state.token));
  return run(state);
}

/** Go on with a set that was begun in this browser. */
async function goOn(state) {
  if (state.complete || state.closed) return run(state);
  await screen(state.title, [`${state.n_answered} of ${state.n_trials} answered so far.`], "Go on");
  await player.unlock();
  return run(state);
}

async function ready(about) {
  await screen(about.title, [asks(about), takes(about)], "Start");
  await player.unlock();
}

function asks({ kind, n_trials, n_sounds }) {
  if (kind === "rating") {
    const times = n_trials === 1 ? "Once" : `${n_trials} times`;
    return `You hear a reference and ${n_sounds} sounds, one of which is the reference again. ${times}: how close is each to the reference?`;
  }
  return kind === "abx"
    ? `You hear A, B and X, in any order and as often as you like. ${n_trials} times: is X the sound A or the sound B?`
    : `You hear A and B, in any order and as often as you like. ${n_trials} times: which one sounds better to you, A or B?`;
}

/** Why there are so many trials, and how long they take. */
function takes({ kind, n_trials }) {
  if (kind === "rating") return `About half a minute for each of ${n_trials} passages.`;
  const minutes = Math.max(1, Math.round(n_trials / 6));
  return `${n_trials} answers tell what you hear from luck. It takes about ${minutes} minute${minutes === 1 ? "" : "s"}.`;
}

async function guided(about) {
  const name = el("input", { name: "name", maxlength: 40, autocomplete: "nickname", required: true });
  const texts = [asks(about), takes(about), "Headphones in a quiet room show most."];
  await screen(about.title, texts, "Next", el("label", {}, "Your name", name));
  await player.unlock();
  const checks = {};
  for (const question of questions()) checks[question.name] = await check(question);
  return { name: name.value, checks };
}

function check({ ask, answers, right, play }) {
  return new Promise((resolve) => {
    const buttons = answers.map((words) =>
      el("button", { class: "answer", type: "button", onclick: () => resolve(words === right) }, words),
    );
    const again = el("button", { class: "plain", type: "button", onclick: () => play(player.context) }, "Play");
    main.replaceChildren(
      el("h1", {}, "Your headphones"),
      el("p", {}, `Press Play, and set a level at which you hear it well. ${ask}`),
      again,
      el("div", { class: "answers", role: "group", "aria-label": ask }, ...buttons),
    );
    again.focus();
  });
}

/** Fetch the sounds of the next trial; once more if the server has dropped them for other listeners meanwhile. */
async function sounds(again = true) {
  const prepared = await room.json("trial", {});
  const names = Object.keys(prepared.sounds);
  try {
    const bytes = await Promise.all(names.map((name) => room.bytes(`sound/${prepared.sounds[name]}`)));
    return { prepared, names, bytes };
  } catch (error) {
    if (again && error instanceof Refused) return sounds(false);
    throw error;
  }
}

async function run(state) {
  while (!state.complete && !state.closed) {
    const { prepared, names, bytes } = await sounds();
    await player.load(new Map(names.map((name, index) => [name, bytes[index]])));
    const ask = state.kind === "rating" ? rating : trial;
    const said = await ask(main, player, state, names, leave);
    player.clear();
    const answer = state.kind === "rating" ? { scores: said } : { said };
    state = await room.json("answer", { index: prepared.index, ...answer });
  }
  if (state.complete) {
    end(state.back ? "Done" : "Done. Thank you!", state.finding);
    if (state.back) main.append(el("a", { class: "plain", href: prefix + state.back }, "Back to the comparison"));
  } else {
    end("This test is closed", "It takes no more answers. What you answered is kept.");
  }
}

begin().catch((error) => end("That did not work", error.message));
