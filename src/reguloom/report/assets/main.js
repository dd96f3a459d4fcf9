/* Puts the panels together: navigation, theme, print. */

const PANELS = [
  { id: "overview", name: "Overview", has: () => true, make: overviewPanel },
  { id: "cells", name: "Cells", has: (data) => data.cells, make: cellsPanel },
  { id: "regulons", name: "Regulons", has: (data) => data.regulons, make: regulonsPanel },
  { id: "specificity", name: "Specificity", has: (data) => data.specificity, make: specificityPanel },
  { id: "network", name: "Network", has: (data) => data.network, make: networkPanel },
  { id: "knockout", name: "Knock-outs", has: (data) => data.knockout && data.knockout.flows.length, make: knockoutPanel },
  { id: "ranking", name: "Ranking", has: (data) => data.ranking, make: rankingPanel },
  { id: "whatif", name: "What if", has: (data) => data.whatif && data.knockout, make: whatifPanel },
  { id: "flow", name: "Flow", has: (data) => data.flow, make: flowPanel },
  { id: "temporal", name: "Time", has: (data) => data.temporal, make: temporalPanel },
  { id: "tables", name: "Evaluation", has: (data) => data.tables, make: tablesPanel },
  { id: "checks", name: "Checks", has: () => true, make: checksPanel },
  { id: "record", name: "Provenance", has: () => true, make: recordPanel },
];

function overviewPanel(data) {
  const { facts, findings } = data.overview;
  const warnings = data.checks.filter((one) => one.level === "warning").length;
  const target = { regulon: (name) => { say("regulon-name", name); go(data.regulons ? "regulons" : "cells"); }, factor: (name) => { say("knockout", name); go(data.knockout ? "knockout" : "ranking"); } };
  return [
    h("ul", { class: "facts" }, facts.map((one) => h("li", {}, h("b", { text: number(one.value) }), h("span", { text: one.label })))),
    findings.length ? h("dl", { class: "findings" }, findings.flatMap((one) => [h("dt", { text: one.text }), h("dd", {}, one.names.map((name) => h("button", { type: "button", class: "chip", text: shorten(name), on: { click: () => target[one.kind](name) } })))])) : null,
    h("p", { class: "muted" }, warnings ? h("a", { href: "#checks", text: `${number(warnings)} warning${warnings > 1 ? "s" : ""}` }) : "No warnings", data.knockout ? ". Knock-outs and what-ifs are local-linear: their direction means something, their size does not." : "."),
  ];
}

/** Scroll to a panel and move the focus there. */
function go(id) {
  const panel = document.getElementById(id);
  if (!panel) return;
  panel.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth", block: "start" });
  panel.focus({ preventScroll: true });
}

async function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const main = document.getElementById("main");
  const nav = document.getElementById("nav");
  main.prepend(h("p", { id: "live", class: "hidden", role: "status", "aria-live": "polite" }));
  applyTheme();
  themeButton();
  const shown = PANELS.filter((panel) => panel.has(data));
  put(nav, shown.map((panel) => h("a", { href: `#${panel.id}`, text: panel.name })));
  const bodies = shown.map((panel) => {
    const body = h("div", { class: "body" });
    const head = panel.id === "overview" ? h("h1", { text: data.title }) : h("h2", { id: `${panel.id}-title`, text: panel.name });
    main.append(h("section", { id: panel.id, class: "card", tabindex: -1, "aria-label": panel.name }, head, body));
    return body;
  });
  follow(shown);
  for (let i = 0; i < shown.length; i++) {
    try {
      put(bodies[i], await shown[i].make(data));
    } catch (error) {
      put(bodies[i], h("p", { class: "alarm", text: `This panel cannot be drawn: ${error.message}` }));
      console.error(error);
    }
  }
  window.reguloom = { data, load, say, ready: true };
  document.documentElement.dataset.ready = "true";
  if (location.hash) go(location.hash.slice(1));
}

/** Mark the panel in view in the navigation. */
function follow(shown) {
  const links = new Map(shown.map((panel) => [panel.id, document.querySelector(`#nav a[href="#${panel.id}"]`)]));
  const mark = framed(() => {
    const here = [...shown].reverse().find((panel) => document.getElementById(panel.id).getBoundingClientRect().top < innerHeight * 0.35) || shown[0];
    for (const [id, link] of links) {
      if (id === here.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  });
  addEventListener("scroll", mark, { passive: true });
  mark();
}

function themeButton() {
  const button = document.getElementById("theme");
  const label = () => {
    const next = theme() === "dark" ? "light" : "dark";
    button.textContent = next === "dark" ? "\u263e Dark" : "\u2600 Light";
    button.setAttribute("aria-label", `Switch to ${next} colours`);
  };
  button.addEventListener("click", () => {
    chosenTheme = theme() === "dark" ? "light" : "dark";
    applyTheme();
    label();
  });
  systemDark.addEventListener("change", () => { applyTheme(); label(); });
  label();
}

/** On paper everything is light, unfolded, and drawn anew at the paper's width. */
function paper(on) {
  printing = on;
  for (const one of document.querySelectorAll("details")) one.open = on || one.dataset.open === "true";
  applyTheme();
}

addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("details")) one.dataset.open = String(one.open);
  paper(true);
});
addEventListener("afterprint", () => paper(false));
start();
