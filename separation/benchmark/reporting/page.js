/* A report's page: draws the charts for the chosen track and measure, and sorts tables. Charts are made beforehand. */
"use strict";

const report = JSON.parse(document.getElementById("report").textContent);
const chosen = { track: report.tracks[0] ?? "", measure: "" };
const trackBox = document.getElementById("track");
const measureBox = document.getElementById("measure");
const light = matchMedia("(prefers-color-scheme: light)");

/** The figure of a chart as wide as its place, in the colours of the page; they were made in the dark ones. */
function figureOf(place) {
  const kind = place.dataset.chart;
  const widths = report.charts[kind]?.[chosen.track]?.[kind === "quality" || kind === "songs" ? chosen.measure : ""];
  if (!widths) return null;
  const fitting = Object.keys(widths).map(Number).sort((a, b) => b - a);
  let text = JSON.stringify(widths[fitting.find((width) => width <= place.clientWidth) ?? fitting.at(-1)]);
  if (light.matches) for (const [dark, bright] of report.colors) text = text.replaceAll(dark, bright);
  return JSON.parse(text);
}

function draw() {
  for (const place of document.querySelectorAll("[data-chart]")) {
    const figure = figureOf(place);
    place.closest(".card").hidden = !figure;
    if (!figure) continue;
    place.drawn = figure.layout.width;
    Plotly.react(place, figure.data, figure.layout, figure.config).then(() => {
      place.removeAllListeners?.("plotly_click");
      place.on("plotly_click", (event) => show(event.points?.[0]?.customdata?.[0]));
    });
  }
  for (const table of document.querySelectorAll("[data-track]")) table.hidden = table.dataset.track !== chosen.track;
}

/** Marks the row of a setting and brings it into view. */
function show(setting) {
  for (const row of document.querySelectorAll("tr[data-setting]")) {
    const isIt = row.dataset.setting === setting;
    row.classList.toggle("chosen", isIt);
    if (isIt && row.offsetParent) row.scrollIntoView({ block: "nearest" });
  }
}

function offer(box, values, labels) {
  box.replaceChildren(...values.map((value, index) => new Option(labels[index], value)));
  box.closest("label").hidden = values.length < 2;
}

function chooseTrack(track) {
  chosen.track = track;
  const measures = report.measures[track] ?? [];
  if (!measures.some((one) => one.id === chosen.measure)) chosen.measure = measures[0]?.id ?? "";
  offer(measureBox, measures.map((one) => one.id), measures.map((one) => one.label));
  measureBox.value = chosen.measure;
  draw();
}

/** Sorts the rows of a table by a column, what has no value last; again the other way round. */
function sortBy(header) {
  const table = header.closest("table");
  const column = [...header.parentNode.children].indexOf(header);
  const upwards = header.getAttribute("aria-sort") !== "ascending";
  for (const other of header.parentNode.children) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", upwards ? "ascending" : "descending");
  const sign = upwards ? 1 : -1;
  const order = (a, b) => {
    const [one, other] = [a, b].map((row) => row.children[column].dataset.value);
    if (one === undefined || other === undefined) {
      const [left, right] = [a, b].map((row) => row.children[column].textContent);
      if (one === other) return sign * left.localeCompare(right);
      return one === undefined ? 1 : -1;
    }
    return sign * (Number(one) - Number(other));
  };
  table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
}

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sortBy(button.closest("th")));
}
for (const button of document.querySelectorAll("[data-save]")) {
  button.addEventListener("click", () => {
    const place = button.closest(".card").querySelector("[data-chart]");
    Plotly.downloadImage(place, { format: "png", scale: 2, filename: button.dataset.save });
  });
}
offer(trackBox, report.tracks, report.tracks);
trackBox.addEventListener("change", () => chooseTrack(trackBox.value));
measureBox.addEventListener("change", () => { chosen.measure = measureBox.value; draw(); });
light.addEventListener("change", draw);
let settling = 0;
addEventListener("resize", () => { clearTimeout(settling); settling = setTimeout(draw, 150); });
chooseTrack(chosen.track);
document.documentElement.dataset.ready = "yes";
