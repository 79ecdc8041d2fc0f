// isTyping: tells key presses that belong to a text field from those that are commands of the page.

const TEXT_INPUTS = new Set(["text", "search", "number", "email", "url", "password", "tel", "date", "time", ""]);

/** Return whether a person is typing text, or holds Ctrl, Alt or Meta, with which keys have other meanings. */
export function isTyping(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.closest("textarea, select, [role=textbox], [role=combobox]")) return true;
  return target instanceof HTMLInputElement && TEXT_INPUTS.has(target.getAttribute("type") ?? "");
}
