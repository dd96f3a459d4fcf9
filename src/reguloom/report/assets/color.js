/* Light and dark, and colours that stay apart for every common colour blindness. */

const RAMPS = {
  light: ["#ECECF1", "#F5C9A9", "#F08A62", "#D2405F", "#8A226A", "#35133F"],
  dark: ["#3A4050", "#513A6B", "#8A2F6E", "#D2405F", "#F5956B", "#FFEBC8"],
};
const UP = { light: "#0072B2", dark: "#56B4E9" };
const DOWN = { light: "#D55E00", dark: "#F08A3C" };
const systemDark = matchMedia("(prefers-color-scheme: dark)");
let chosenTheme = null;
let printing = false;

/** Return "light" or "dark"; paper is always light. */
function theme() {
  if (printing) return "light";
  return chosenTheme || (systemDark.matches ? "dark" : "light");
}

function applyTheme() {
  document.documentElement.dataset.theme = theme();
  say("theme");
}

function rgb(hex) {
  const value = parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Return a table of 256 colours, four bytes each, along the ramp of activity. */
function rampTable() {
  const stops = RAMPS[theme()].map(rgb);
  const table = new Uint8Array(1024);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    for (let c = 0; c < 3; c++) table[4 * i + c] = stops[low][c] + (at - low) * (stops[low + 1][c] - stops[low][c]);
    table[4 * i + 3] = 255;
  }
  return table;
}

/** Return the colour of a group as it is shown: lighter on a dark page. */
function shade(hex) {
  const toward = theme() === "dark" ? 0.28 : 0;
  return rgb(hex).map((part) => Math.round(part + toward * (255 - part)));
}

/** Return a table of colours for groups; all but `only` are faded when it is given. 255 stands for no group. */
function groupTable(colors, only = null, strength = 1) {
  const table = new Uint8Array(1024);
  const faint = rgb(css("--faint"));
  const paper = rgb(css("--card"));
  for (let i = 0; i < 256; i++) {
    const known = i < colors.length && (only === null || only === i);
    const color = known ? shade(colors[i]).map((part, c) => part * strength + paper[c] * (1 - strength)) : faint;
    table.set([...color, known || i < colors.length ? 255 : 140], 4 * i);
  }
  return table;
}

/** Return the ramp as a CSS gradient. */
function rampGradient() {
  return `linear-gradient(to right, ${RAMPS[theme()].join(", ")})`;
}
