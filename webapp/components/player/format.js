// Formats times and levels for people, and maps a fader's position to its gain.

export const GAIN_FLOOR_DB = -60; // the end of a fader: silence
export const GAIN_CEILING_DB = 6;
const UNITY_AT = 0.75; // position of 0 dB on a fader (0..1)

/** Format seconds as h:mm:ss.cc with `digits` decimals; the hours only if there are any. */
export function clock(seconds, digits = 2) {
  const unit = 10 ** digits;
  const ticks = Math.max(0, Math.floor(seconds * unit + 1e-6)); // whole units first, so that 59.999 is not 0:60.00
  const whole = Math.floor(ticks / unit);
  const pad = (n, width = 2) => String(n).padStart(width, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const tail = digits ? "." + pad(ticks % unit, digits) : "";
  return (hours ? `${hours}:${pad(minutes)}` : String(minutes)) + ":" + pad(whole % 60) + tail;
}

/** Format seconds for a screen reader: "1 minute 5 seconds". */
export function clockSpoken(seconds) {
  const whole = Math.floor(seconds);
  const parts = [
    [Math.floor(whole / 3600), "hour"],
    [Math.floor(whole / 60) % 60, "minute"],
    [whole % 60, "second"],
  ].filter(([n], i) => n || i === 2);
  return parts.map(([n, unit]) => `${n} ${unit}${n === 1 ? "" : "s"}`).join(" ");
}

/** Format a level with sign and one decimal: "−1.8 dB", "0.0 dB"; "−∞ dB" at the fader's lower end. */
export function decibels(db) {
  if (db <= GAIN_FLOOR_DB) return "−∞ dB";
  const rounded = Math.round(db * 10) / 10;
  const sign = rounded < 0 ? "−" : rounded > 0 ? "+" : "";
  return `${sign}${Math.abs(rounded).toFixed(1)} dB`;
}

/** Return the gain in dB at a fader position 0..1: quadratic below 0 dB, linear above. */
export function sliderToGain(position) {
  if (position >= UNITY_AT) return (GAIN_CEILING_DB * (position - UNITY_AT)) / (1 - UNITY_AT);
  return GAIN_FLOOR_DB * (1 - position / UNITY_AT) ** 2;
}

/** Return the fader position of a gain in dB; the inverse of `sliderToGain`. */
export function gainToSlider(db) {
  if (db >= 0) return UNITY_AT + (Math.min(db, GAIN_CEILING_DB) / GAIN_CEILING_DB) * (1 - UNITY_AT);
  return UNITY_AT * (1 - Math.sqrt(Math.max(db, GAIN_FLOOR_DB) / GAIN_FLOOR_DB));
}

/** Say where between left (-1) and right (1) a track stands. */
export function panSpoken(pan) {
  const share = Math.round(100 * pan);
  return share ? `${Math.abs(share)} % ${share < 0 ? "left" : "right"}` : "in the middle";
}

/** Say how much of a sound the mixture explains, from the share of each chunk. */
export function explainedSpoken(shares) {
  const worst = Math.min(...shares);
  const at = shares.indexOf(worst) + 1;
  return `How much of this sound the mixture explains, per chunk; least in chunk ${at}: ${Math.round(100 * worst)} %`;
}
