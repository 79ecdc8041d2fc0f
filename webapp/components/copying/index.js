// copyText: copies text to the clipboard, on plain http too.

/** Copy `text`; return false if the browser refuses. */
export async function copyText(text) {
  if (window.isSecureContext && navigator.clipboard) {
    const copied = await navigator.clipboard.writeText(text).then(() => true, () => false);
    if (copied) return true;
  }
  // Without `navigator.clipboard`, as on plain http from another computer, the selection of a field can be copied.
  const field = document.createElement("textarea");
  const focused = document.activeElement;
  field.value = text;
  field.className = "sr-only";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return copied;
}
