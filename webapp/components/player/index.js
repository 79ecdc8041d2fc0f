// The names that components import from the player: one module, so that all components of a page share one player.
import { player } from "./player.js";

export { clock, clockSpoken, decibels, gainToSlider, sliderToGain, explainedSpoken, panSpoken, GAIN_FLOOR_DB, GAIN_CEILING_DB } from "./format.js";
export { loadPyramid } from "./peaks.js";
export { colorOf, drawBars, drawUnready, fitCanvas, fullScale, onSchemeChange } from "./canvas.js";
export { cellColors, drawCell, describeCells, describeReach } from "./celldraw.js";
export { passageStyle, ruler } from "./ruler.js";
export { ICONS } from "./icons.js";
export { Strip } from "./strip.js";
export { isPressing, isTyping, setSingleKeys, singleKeys } from "./keys.js";
export { SPEEDS } from "./tempo.js";
export { player };

/** Load the drawing of spectrograms, which few pages need. */
export const loadSpectro = () => import("./spectro.js");

// The player is on the window for tests, and for use in the browser's console.
window.audioPlayground = { ...window.audioPlayground, player };
