/* The cells on their embedding, twice: by group on the left, by a regulon, a gene or a number on the right. */

function cellsPanel(data) {
  const cells = data.cells;
  const pair = ["Cells by group", "Cells by activity"].map((label) => new Frame(label, cells.extent));
  pair[0].linked = [pair[1]];
  pair[1].linked = [pair[0]];
  const state = { labeling: cells.labelings[0] || null, channel: null, only: null, codes: null, values: null };
  const legend = h("div", { class: "legend", role: "group", "aria-label": "Groups: choose one to see it alone" });
  const scale = h("div", { class: "scale" });
  const channels = new Map(cells.channels.map((one) => [`${one.kind}\u0000${one.name}`, one]));
  const kinds = { regulon: "Regulons", gene: "Genes", annotation: "Annotation" };
  const order = ["regulon", "annotation", "gene"];
  const options = [...channels].map(([value, one]) => ({ value, label: one.name, kind: kinds[one.kind] }))
    .sort((a, b) => order.findIndex((kind) => kinds[kind] === a.kind) - order.findIndex((kind) => kinds[kind] === b.kind));
  const picker = new Combobox({ label: "Colour by regulon, gene or number", options, pick: (one) => choose(one.value) });
  let layers = null;
  const places = Promise.all([load(cells.x), load(cells.y)]).then(([x, y]) => {
    layers = pair.map((frame) => new Points(frame, x, y));
    return { x, y };
  });

  async function showGroups() {
    const { x, y } = await places;
    const one = state.labeling;
    state.codes = one ? await load(one.codes) : new Uint8Array(cells.n);
    const centres = one ? groupCentres(x, y, state.codes, one.names.length) : [];
    pair[0].painters = pair[0].painters.slice(0, 1);
    if (one && one.names.length <= 30) {
      pair[0].painters.push((pen, frame) => drawLabels(pen, centres.flatMap((place, i) => {
        if (!place || (state.only !== null && state.only !== i)) return [];
        const [left, top] = frame.toScreen(...place);
        return [{ text: shorten(one.names[i], 22), x: left, y: top }];
      }), true));
    }
    drawGroups();
    put(legend, one ? one.names.map((name, i) => h("button", {
      type: "button", class: "swatch", "aria-pressed": String(state.only === i), title: `${name}: ${number(one.counts[i])} cells`,
      on: { click: () => { state.only = state.only === i ? null : i; showGroups(); } },
    }, h("i", { css: { background: `rgb(${shade(one.colors[i]).join(" ")})` }, "aria-hidden": "true" }), h("span", { text: shorten(name) }), h("small", { text: number(one.counts[i]) }))) : []);
  }

  function drawGroups() {
    if (!layers || !state.codes) return;
    layers[0].color(state.codes, groupTable(state.labeling ? state.labeling.colors : [css("--accent")], state.only), false);
  }

  async function choose(key) {
    const one = channels.get(key);
    if (!one) return;
    state.channel = one;
    picker.set(key);
    state.values = await load(one.values);
    await places;
    drawValues();
    announce(`Cells coloured by ${one.name}`);
  }

  function drawValues() {
    if (!layers || !state.channel || !state.values) return;
    layers[1].color(state.values, rampTable(), true);
    const unit = { regulon: "activity (AUCell)", gene: "expression, full colour from the 99.5th percentile of expressing cells", annotation: "" }[state.channel.kind];
    put(scale, h("strong", { text: state.channel.name }), h("span", { class: "ends" },
      h("span", { text: number(state.channel.low) }), h("i", { css: { background: rampGradient() }, "aria-hidden": "true" }), h("span", { text: number(state.channel.high) })), h("small", { text: unit }));
  }

  pair.forEach((frame, i) => {
    frame.onhover = (at) => {
      const cell = layers ? layers[0].nearest(at) : -1;
      if (cell < 0) return frame.tip(null);
      const group = state.labeling && state.codes[cell] < 255 ? state.labeling.names[state.codes[cell]] : "";
      const value = state.values ? state.channel.low + (state.values[cell] / 255) * (state.channel.high - state.channel.low) : null;
      return frame.tip(i === 0 || value === null ? group || "no group" : `${state.channel.name} ${number(value)}${group ? `, ${group}` : ""}`, at);
    };
    frame.onpick = (at) => {
      const cell = layers ? layers[0].nearest(at) : -1;
      if (i === 0 && cell >= 0 && state.codes[cell] < 255) {
        state.only = state.only === state.codes[cell] ? null : state.codes[cell];
        showGroups();
      }
    };
  });
  hear("theme", () => { showGroups(); drawValues(); });
  hear("regulon", (row) => choose(`regulon\u0000${row.channel}`));
  if (!data.regulons) hear("regulon-name", (name) => choose(`regulon\u0000${name}`));
  hear("gene", (name) => choose(`gene\u0000${name}`));
  data.canColor = (kind, name) => channels.has(`${kind}\u0000${name}`);
  const first = options.find((one) => one.kind === kinds.regulon) || options[0];
  showGroups();
  if (first) choose(first.value);
  const left = Object.entries(cells.left_out || {}).filter(([kind, n]) => n > 0 && cells.shipped[kind] + n > 0)
    .map(([kind, n]) => `${number(cells.shipped[kind])} of ${number(cells.shipped[kind] + n)} ${kind}s`);
  const parts = [cells.n < cells.total ? `${number(cells.n)} of ${number(cells.total)} cells are drawn.` : "", left.length ? `To keep the file small it holds ${left.join(" and ")}; each group\u2019s most specific regulons come first.` : ""];
  return [
    h("p", { class: "lead", text: `${number(cells.n)} cells on ${basisName(cells.basis)}. Both views move together: drag, pinch, or hold Ctrl and scroll.` }),
    h("div", { class: "tools" },
      cells.labelings.length > 1 ? dropdown("Groups", cells.labelings.map((one) => one.key), (key) => { state.labeling = cells.labelings.find((one) => one.key === key); state.only = null; showGroups(); }, state.labeling.key) : null,
      options.length ? picker.node : null, pair[0].buttons()),
    h("div", { class: "two" },
      h("figure", {}, pair[0].node, h("figcaption", {}, legend)),
      options.length ? h("figure", {}, pair[1].node, h("figcaption", {}, scale)) : null),
    parts.some(Boolean) ? note(parts.filter(Boolean).join(" ")) : null,
  ];
}
