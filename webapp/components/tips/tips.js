// The one tooltip of the page: it shows the `data-tip` of the element that is under the mouse, has the focus of the
// keyboard, or lies under a finger that rests. What a finger presses is not covered: it needs no tip after that.

const WAIT_MS = 500;
const GAP_PX = 6; // distance from the element, and the least distance from the window's edge

const tip = document.createElement("div");
tip.className = "tip";
tip.popover = "manual"; // a popover lies above menus and dialogs
tip.setAttribute("role", "tooltip");
let timer = 0;
let waiting = null; // the element whose tip is shown or will be shown
let touched = false; // whether the last thing that happened came from a finger

/** Return the element whose tip is shown at `element`; Quasar passes unknown attributes on to a field's inner input. */
function owner(element) {
  return element?.closest?.("[data-tip]") ?? element?.closest?.(".q-field")?.querySelector("[data-tip]");
}

function show(element) {
  if (!element.isConnected || document.querySelector(".q-menu")) return; // it would hide the choices of an open menu
  tip.textContent = element.dataset.tip;
  document.body.append(tip);
  tip.showPopover();
  const box = (element.closest(".q-field") ?? element).getBoundingClientRect();
  const size = tip.getBoundingClientRect();
  const below = box.bottom + GAP_PX + size.height <= innerHeight - GAP_PX;
  tip.style.top = `${Math.max(GAP_PX, below ? box.bottom + GAP_PX : box.top - GAP_PX - size.height)}px`;
  const middle = box.left + box.width / 2 - size.width / 2;
  tip.style.left = `${Math.max(GAP_PX, Math.min(middle, innerWidth - size.width - GAP_PX))}px`;
}

function showSoon(element) {
  waiting = element;
  timer = setTimeout(show, WAIT_MS, element);
}

function hide() {
  clearTimeout(timer);
  if (tip.isConnected) tip.remove();
}

addEventListener("pointerover", (event) => {
  if (event.pointerType !== "mouse") return;
  hide();
  const element = owner(event.target);
  if (element?.dataset.tip) showSoon(element);
});
addEventListener("pointerdown", (event) => {
  touched = event.pointerType === "touch";
  const element = touched && owner(event.target);
  if (element && element.dataset.tip) showSoon(element);
});
for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => clearTimeout(timer), { passive: true });
addEventListener("keydown", () => (touched = false), { capture: true, passive: true });
addEventListener("focusin", (event) => {
  hide();
  const element = owner(event.target);
  if (!element?.dataset.tip) return;
  if (element.dataset.tip !== element.ariaLabel) event.target.setAttribute("aria-description", element.dataset.tip);
  if (!touched && event.target.matches(":focus-visible")) showSoon(element);
});
for (const name of ["focusout", "pointerdown", "keydown", "wheel", "resize", "blur"]) {
  addEventListener(name, hide, { capture: true, passive: true });
}
addEventListener("scroll", (event) => event.target.contains(waiting) && hide(), { capture: true, passive: true });
