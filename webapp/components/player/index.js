// Entry point of the player for components. One module, so that every component on a page shares one player.
import { player } from "./player.js";

export { clock, clockSpoken, decibels, gainToSlider, sliderToGain, GAIN_FLOOR_DB, GAIN_CEILING_DB } from "./format.js";
export { loadPyramid } from "./peaks.js";
export { colorOf, drawBars, fitCanvas, fullScale, onSchemeChange } from "./canvas.js";
export { cellColors, drawCell, describeCells, describeReach } from "./celldraw.js";
export { ruler } from "./ruler.js";
export { ICONS } from "./icons.js";
export { Strip } from "./strip.js";
export { isTyping } from "./keys.js";
export { SPEEDS } from "./tempo.js";
export { player };

/** What few pages need comes when it is wanted. */
export const loadSpectro = () => import("./spectro.js");

// One name on the window, for tests and for people with a console open.
window.audioPlayground = { ...window.audioPlayground, player };
