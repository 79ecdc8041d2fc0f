// Sliders of all pages: a finger that only scrolls the page over one leaves it as it was.

// A browser sets a slider as soon as a finger lies on it, and calls the gesture off when it turns out to scroll the page.
let touched = null; // {slider, value}: where it stood before the finger came

addEventListener("pointerdown", ({ target, pointerType }) => {
  touched = pointerType === "touch" && target.matches?.('input[type="range"]') ? { slider: target, value: target.value } : null;
}, { capture: true });

addEventListener("pointercancel", ({ target }) => {
  if (touched?.slider !== target) return;
  target.value = touched.value;
  touched = null;
  for (const name of ["input", "change"]) target.dispatchEvent(new Event(name, { bubbles: true }));
}, { capture: true });
