// Keys: which presses belong to a field or to the control that has the focus, and whether single keys are commands.

const TEXT_INPUTS = new Set(["text", "search", "number", "email", "url", "password", "tel", "date", "time", ""]);
const PRESSED = `button, a[href], summary, input[type="checkbox"], input[type="radio"], [role="button"], [role^="menuitem"],
  [role="option"], [role="tab"], [role="switch"]`;
const BRACKETS = new Set(["[", "]"]);
const KEPT = "audio-playground-single-keys";

let single = kept() !== "off";

/** Whether keys without Ctrl are commands; a person can switch that off (WCAG 2.1.4). */
export const singleKeys = () => single;

export function setSingleKeys(on) {
  single = on;
  try {
    localStorage.setItem(KEPT, on ? "on" : "off");
  } catch {
    // A browser that keeps nothing forgets it with the page.
  }
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/**
 * Return whether a key press is no command of the page: a person is typing text, holds Ctrl, Alt or Meta, with which
 * keys have other meanings, has a dialog open, or has switched single keys off.
 */
export function isTyping(event) {
  // On many keyboards brackets are typed with AltGr, which Windows tells of as Ctrl and Alt, or with Option.
  const held = event.metaKey || ((event.ctrlKey || event.altKey) && !(event.altKey && BRACKETS.has(event.key)));
  if (held || event.isComposing) return true;
  if (!single && event.key?.length === 1) return true;
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest("dialog, .q-dialog")) return true;
  if (target.isContentEditable || target.closest("textarea, select, [role=textbox], [role=combobox]")) return true;
  return target instanceof HTMLInputElement && TEXT_INPUTS.has(target.getAttribute("type") ?? "");
}

/** Return whether the control that has the focus is pressed with Space. */
export function isPressing(event) {
  return event.target instanceof Element && event.target.closest(PRESSED) !== null;
}

// A press of a mouse or a finger leaves no control focused, so that Space plays after it, as in other audio programs. What
// is reached by keyboard keeps the focus. Clicks that the keyboard makes have no detail.
document.addEventListener("click", (event) => {
  const focused = document.activeElement;
  if (event.detail > 0 && focused?.matches(PRESSED) && focused.contains(event.target)) focused.blur();
});
