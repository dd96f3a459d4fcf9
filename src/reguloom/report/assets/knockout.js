/* Knock-outs on the embedding: the flow of cells, factor by factor. */

async function knockoutPanel(data) {
  const all = data.knockout;
  const frame = new Frame("Flow of a knock-out", all.extent);
  const [x, y, codes, gx, gy] = await Promise.all([all.x, all.y, all.codes, all.grid.x, all.grid.y].map(load));
  const layer = new Points(frame, x, y);
  const at = { x: Array.from(gx, (value) => value / 65535), y: Array.from(gy, (value) => value / 65535) };
  const paintGroups = () => layer.color(codes, groupTable(all.colors, null, 0.45), false);
  paintGroups();
  hear("theme", paintGroups);
  const centres = groupCentres(x, y, codes, all.groups.length);
  const development = all.development ? await field(all.development) : null;
  const typical = middle(all.flows.map((one) => one.top)) || 1;
  const state = { flow: null, arrows: null, shown: Boolean(development) };

  async function field(one) {
    const [u, v] = await Promise.all([load(one.u), load(one.v)]);
    const real = (values) => Float64Array.from(values, (value) => (value / 127) * one.top);
    return { u: real(u), v: real(v) };
  }

  frame.painters.push((pen) => {
    if (development && state.shown) drawArrows(pen, frame, { ...at, ...development, length: all.step * 0.6, colors: css("--muted"), width: 0.9, alpha: 0.5 });
    if (state.arrows) drawArrows(pen, frame, { ...at, ...state.arrows, length: (all.step * 1.05) / typical, colors: arrowColors(), width: 1.5 });
    drawLabels(pen, centres.flatMap((place, i) => {
      if (!place) return [];
      const [left, top] = frame.toScreen(...place);
      return [{ text: shorten(all.groups[i], 20), x: left, y: top }];
    }), true);
  });

  /** Blue along development, vermilion against it, ink where there is none to compare with. */
  function arrowColors() {
    const ink = css("--ink");
    if (!development) return ink;
    const { u, v } = state.arrows;
    return Array.from(u, (value, i) => {
      const inner = value * development.u[i] + v[i] * development.v[i];
      return inner > 0 ? css("--up") : inner < 0 ? css("--down") : ink;
    });
  }

  const about = h("div", { class: "about", "aria-live": "polite" });
  async function choose(i) {
    state.flow = all.flows[i];
    picker.set(String(i));
    state.arrows = await field(state.flow);
    frame.redraw();
    put(about, h("h3", { text: state.flow.gene }), scores(state.flow.gene), checksOf(state.flow.checks));
    announce(`Knock-out of ${state.flow.gene}`);
  }

  function scores(gene) {
    if (!data.ranking) return null;
    const at = Object.fromEntries(data.ranking.columns.map((name, k) => [name, k]));
    const rows = data.ranking.rows.filter((row) => row[at.gene] === gene).map((row) => ({ name: row[at.lineage], value: row[at.net], q: "q" in at ? row[at.q] : null }));
    const list = rows.map((row) => ({ ...row, color: row.value < 0 ? "var(--down)" : "var(--up)", text: `${number(row.value)}${row.q === null ? "" : `, q ${number(row.q, 2)}`}` }));
    return [h("h4", { text: "Net perturbation score by lineage" }), bars(list, { label: "Net scores" })];
  }

  function checksOf(checks) {
    const list = Object.values(checks);
    return list.length ? [h("h4", { text: "Checks that failed" }), h("ul", { class: "warnings" }, list.map((text) => h("li", { text })))] : h("p", { class: "fine", text: "Every check passed." });
  }

  const picker = new Combobox({ label: "Factor that is knocked out", options: all.flows.map((one, i) => ({ value: String(i), label: one.gene })), pick: (one) => choose(Number(one.value)) });
  const step = (by) => choose((all.flows.indexOf(state.flow) + by + all.flows.length) % all.flows.length);
  hear("knockout", (gene) => { const i = all.flows.findIndex((one) => one.gene === gene); if (i >= 0) choose(i); });
  await choose(0);
  const toggle = h("input", { type: "checkbox", id: newId("toggle"), checked: state.shown, on: { change: () => { state.shown = toggle.checked; frame.redraw(); } } });
  return [
    h("p", { class: "lead", text: `Which way cells on ${basisName(all.basis)} would move without the factor. Arrows tell a direction; their length tells how sure it is among neighbours, not the size of the effect.` }),
    h("div", { class: "tools" }, picker.node,
      h("div", { class: "pair", role: "group", "aria-label": "Factors by rank" }, h("button", { type: "button", class: "quiet", text: "\u2190 Previous", on: { click: () => step(-1) } }), h("button", { type: "button", class: "quiet", text: "Next \u2192", on: { click: () => step(1) } })),
      development ? h("label", { class: "check" }, toggle, h("span", { text: `Show development (${all.development.source})` })) : null, frame.buttons()),
    h("div", { class: "graph" }, frame.node, about),
    development ? h("ul", { class: "key" }, h("li", { class: "up", text: "along development" }), h("li", { class: "down", text: "against development" }), h("li", { class: "plain", text: "development" })) : null,
    all.n < all.total ? note(`Computed with ${number(all.n)} of ${number(all.total)} cells, drawn at random within groups.`) : null,
  ];
}

/** Return the median. */
function middle(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
