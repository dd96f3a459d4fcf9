"use strict";
/* Elements made in code, never from markup: whatever a gene is called, it becomes text. */

const SVG = "http://www.w3.org/2000/svg";

/** Make an element: `props` are attributes; `on` holds listeners, `css` styles, `text` the text. */
function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** Make an SVG element. */
function s(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (name === "css") for (const [key, one] of Object.entries(value)) node.style.setProperty(key, one);
    else if (name === "text") node.textContent = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined));
  return node;
}

/** Replace the children of a node. */
function put(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((one) => one !== null && one !== undefined));
  return node;
}

let unique = 0;
/** Return an id that nothing else has. */
function newId(prefix) {
  unique += 1;
  return `${prefix}-${unique}`;
}

const EMPTY = "\u2013";

/** Write a number with three significant digits; whole numbers with separators. */
function number(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return EMPTY;
  if (Math.abs(value) < 1e-12) return "0";
  if (Number.isInteger(value)) return value.toLocaleString("en-US").replace("-", "\u2212");
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(Math.max(0, digits - 1)).replaceAll("-", "\u2212");
  return String(Number(value.toPrecision(digits))).replace("-", "\u2212");
}

const BASES = { umap: "UMAP", tsne: "t-SNE", pca: "PCA", phate: "PHATE", diffmap: "diffusion maps", draw_graph_fa: "a force-directed layout" };

/** Write the name of an embedding as people do. */
function basisName(key) {
  return BASES[key] || key;
}

/** Write a name, its middle left out where it is longer than a label can be. */
function shorten(name, longest = 24) {
  const letters = [...name];
  if (letters.length <= longest) return name;
  const tail = Math.floor(longest / 3);
  return `${letters.slice(0, longest - tail - 1).join("")}\u2026${letters.slice(-tail).join("")}`;
}

/** Say something to screen readers. */
function announce(text) {
  document.getElementById("live").textContent = text;
}

/** Call `work` once, in the next frame, however often it is asked for. */
function framed(work) {
  let waiting = false;
  return (...given) => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      work(...given);
    });
  };
}

const bus = new EventTarget();
const say = (name, detail) => bus.dispatchEvent(new CustomEvent(name, { detail }));
const hear = (name, listener) => bus.addEventListener(name, (event) => listener(event.detail));
