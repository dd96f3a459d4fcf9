/* Ask again, here: factors and levels are chosen, and the shift is simulated at once for sampled cells. */

const MOST_FACTORS = 4;
const MOST_GENES = 14;
const COARSE = 24;

async function whatifPanel(data) {
  const what = data.whatif;
  const model = await Simulator.load(what);
  data.simulator = model;
  const frame = new Frame("Direction of the simulated shift", what.extent);
  const layer = new Points(frame, model.x, model.y);
  layer.grow = 1.25;
  const colors = data.knockout.colors;
  const paintGroups = () => layer.color(model.codes, groupTable(colors, null, 0.5), false);
  paintGroups();
  hear("theme", paintGroups);
  const grid = new CoarseGrid(model, what.extent);
  const centres = groupCentres(model.x, model.y, model.codes, model.groups.length);
  const levels = new Map();
  let flow = null;
  let answer = null;
  let group = null;
  frame.painters.push((pen) => {
    if (flow) drawArrows(pen, frame, { x: grid.x, y: grid.y, ...flow, length: grid.step / flow.typical, colors: css("--ink"), width: 1.5 });
    drawLabels(pen, centres.flatMap((place, i) => {
      if (!place) return [];
      const [left, top] = frame.toScreen(...place);
      return [{ text: shorten(model.groups[i], 20), x: left, y: top }];
    }), true);
  });

  const controls = h("div", { class: "doses" });
  const results = h("div", { class: "about", "aria-live": "polite" });
  const run = framed(() => {
    if (!levels.size) {
      flow = null;
      answer = null;
      put(results, h("p", { class: "muted", text: "Add a factor to see what happens." }));
      return frame.redraw();
    }
    const began = performance.now();
    answer = model.run(levels);
    flow = grid.average(model.direction(answer.shift));
    flow.typical = middle(flow.u.map((u, i) => Math.hypot(u, flow.v[i]))) || 1;
    answer.took = performance.now() - began;
    frame.redraw();
    return show();
  });

  function show() {
    const means = model.means(answer.shift, group);
    const order = Array.from(means.keys()).filter((g) => !levels.has(g) && means[g] !== 0).sort((a, b) => Math.abs(means[b]) - Math.abs(means[a])).slice(0, MOST_GENES);
    const top = Math.abs(means[order[0]] ?? 0);
    const list = order.map((g) => ({ name: model.genes[g], value: means[g], color: means[g] < 0 ? "var(--down)" : "var(--up)" }));
    const failed = model.checks(levels, answer.shift, answer.growth);
    put(results,
      h("div", { class: "status", "data-ok": String(!failed.length) }, h("strong", { text: failed.length ? `${failed.length} check${failed.length > 1 ? "s" : ""} failed` : "Within the observed range" }), h("small", { text: `local-linear, ${number(Math.round(answer.took))} ms` })),
      failed.length ? h("ul", { class: "warnings" }, failed.map((text) => h("li", { text }))) : null,
      h("h4", { text: "Genes that change most" }),
      dropdown("Cells", [{ value: "", label: `all ${number(model.n)} sampled cells` }, ...model.groups.map((name, i) => ({ value: String(i), label: name }))], (value) => { group = value === "" ? null : Number(value); show(); }, group === null ? "" : String(group)),
      list.length ? bars(list, { label: "Mean change of expression", top }) : h("p", { class: "muted", text: "No other gene changes: \u201cno change\u201d, not \u201cno role\u201d." }),
      h("p", { class: "muted", text: `Summed shift of a cell after 0 to ${model.rounds} steps: ${answer.growth.map((one) => number(one)).join(", ")}. Sizes are uncalibrated.` }));
  }

  function add(g, level = 0) {
    if (levels.has(g) || levels.size >= MOST_FACTORS) return;
    levels.set(g, level);
    controls.append(dose(g, level));
    add.picker.set(null);
    run();
  }

  function dose(g, level) {
    const name = model.genes[g];
    const most = Math.max(2 * model.high[g] - model.low[g], 1e-9);
    const id = newId("dose");
    const said = h("output", { for: id });
    const slider = h("input", { id, type: "range", min: 0, max: most, step: most / 400, on: { input: () => set(Number(slider.value)) } });
    const usual = model.mean(g);
    const set = (value, asked = true) => {
      levels.set(g, value);
      slider.value = String(value);
      const state = value === 0 ? "knock-out" : value > model.high[g] ? "above what any cell shows" : value < model.low[g] ? "below what any cell shows" : value < usual ? "lowered" : "raised";
      said.textContent = `${number(value)}, ${state}`;
      said.dataset.outside = String(value > model.high[g]);
      slider.setAttribute("aria-valuetext", said.textContent);
      if (asked) run();
    };
    slider.style.setProperty("--seen", `${(100 * model.high[g]) / most}%`);
    set(level, false);
    const preset = (text, value) => h("button", { type: "button", class: "quiet", text, on: { click: () => set(value) } });
    const node = h("div", { class: "dose" },
      h("div", { class: "row" }, h("label", { for: id, text: name }), said, h("button", { type: "button", class: "quiet square", "aria-label": `Remove ${name}`, text: "\u00d7", on: { click: () => { levels.delete(g); node.remove(); run(); } } })),
      slider,
      h("div", { class: "row" }, preset("Knock out", 0), preset("Half the mean", usual / 2), preset("Highest seen", model.high[g]), h("small", { text: `mean ${number(usual)}, seen up to ${number(model.high[g])}` })));
    return node;
  }

  add.picker = new Combobox({ label: `Add a factor (up to ${MOST_FACTORS})`, options: what.regulators.map((g) => ({ value: String(g), label: what.genes[g] })).sort((a, b) => a.label.localeCompare(b.label)), pick: (one) => add(Number(one.value)) });
  const first = model.index.get(data.knockout.flows[0]?.gene) ?? what.regulators[0];
  add(first);
  return [
    h("p", { class: "lead" }, h("span", { class: "badge", text: "local-linear" }), " Simulated in this page, as ", h("code", { text: "Oracle.predict" }), ` does it: ${model.rounds} steps along the fitted network, levels below 0 cut off. Read the direction; sizes are uncalibrated, and large doses leave what the cells have shown.`),
    h("div", { class: "graph" }, h("div", {}, frame.node, h("div", { class: "tools end" }, frame.buttons())), h("div", { class: "side" }, add.picker.node, controls, results)),
    note(model.n < what.total ? `${number(model.n)} of ${number(what.total)} cells take part, drawn at random within groups; their neighbours are sought among themselves, and checks see these cells alone.` : `All ${number(model.n)} cells take part.`),
  ];
}

class CoarseGrid {
  /** Lay a grid over sampled cells and weigh the cells near each point by a Gaussian of their distance. */
  constructor(model, extent) {
    Object.assign(this, { x: [], y: [], near: [], step: 1 / COARSE });
    const width = 0.8 * this.step;
    let most = 0;
    const points = [];
    for (let px = this.step / 2; px <= extent[0] + this.step / 2; px += this.step) {
      for (let py = this.step / 2; py <= extent[1] + this.step / 2; py += this.step) {
        const near = [];
        let mass = 0;
        for (let i = 0; i < model.n; i++) {
          const far = Math.hypot(model.x[i] / 65535 - px, model.y[i] / 65535 - py) / width;
          if (far > 3.5) continue;
          const weight = Math.exp(-0.5 * far * far);
          near.push([i, weight]);
          mass += weight;
        }
        points.push({ px, py, near, mass });
        most = Math.max(most, mass);
      }
    }
    for (const { px, py, near, mass } of points.filter((one) => one.mass > 0.08 * most)) {
      this.x.push(px);
      this.y.push(py);
      this.near.push(near.map(([i, weight]) => [i, weight / mass]));
    }
  }

  average({ u, v }) {
    const mean = (values) => this.near.map((list) => list.reduce((sum, [i, weight]) => sum + weight * values[i], 0));
    return { u: mean(u), v: mean(v) };
  }
}
