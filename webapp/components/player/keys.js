// Which key presses belong to a text field and not to the player.

const TEXT_INPUTS = new Set(["text", "search", "number", "email", "url", "password", "tel", "date", "time", ""]);

/** True when the person is typing, or holds a modifier that means something else. */
export function isTyping(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.closest("textarea, select, [role=textbox], [role=combobox]")) return true;
  return target instanceof HTMLInputElement && TEXT_INPUTS.has(target.getAttribute("type") ?? "");
}
