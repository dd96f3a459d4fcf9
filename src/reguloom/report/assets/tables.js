/* Tables of evaluations; baselines are marked, and stay in. */

function tablesPanel(data) {
  return data.tables.flatMap((one) => {
    if (one.ranked) return leaderboard(one);
    const keys = one.columns.map((label, i) => ({ key: `c${i}`, label: label.replace(/_/g, " "), text: one.rows.some((row) => typeof row[i] === "string" && row[i] !== "") }));
    const rows = one.rows.map((row, k) => ({ ...Object.fromEntries(row.map((value, i) => [`c${i}`, value])), baseline: one.baseline[k] }));
    const columns = keys.map((column, i) => (i === 0 ? { ...column, show: (row) => [String(row[column.key] ?? EMPTY).replace(/ ?\(baseline\)$/, ""), row.baseline ? h("span", { class: "tag", text: "baseline" }) : null] } : column));
    const table = new Table({ caption: one.title, columns: columns.map((column) => column), rows, search: rows.length > 15 ? "Any word" : null, mark: (row) => (row.baseline ? "baseline" : "") });
    return [h("h3", { text: one.title }), h("p", { class: "muted", text: one.file }), table.node, one.left_out > 0 ? note(`${number(one.left_out)} rows are left out; the file has them.`) : null];
  });
}

/** Models, baselines and ceilings metric by metric: each with its interval, and what it is better by than the best baseline. */
function leaderboard(one) {
  const rows = one.rows.map((row) => Object.fromEntries(row.map((value, i) => [one.columns[i], value])));
  const { names, less, headline } = one.ranked;
  const strata = [...new Set(rows.map((row) => row.stratum))];
  const state = { metric: "score" in names ? "score" : Object.keys(names)[0], stratum: strata.includes("all") ? "all" : strata[0] };
  const place = h("div", { class: "wide" });
  const listed = h("div");
  const interval = (low, high) => (Number.isFinite(low) && Number.isFinite(high) ? `${number(low)} to ${number(high)}` : EMPTY);
  const KINDS = { baseline: "baseline", control: "ceiling", model: null };

  function show() {
    const smaller = less.includes(state.metric);
    const mine = rows.filter((row) => row.metric === state.metric && row.stratum === state.stratum && row.value !== null)
      .sort((a, b) => (smaller ? a.value - b.value : b.value - a.value));
    if (!mine.length) { put(place, note("Nothing was measured here.")); put(listed); return; }
    const dull = mine.some((row) => String(row.informative) === "False");
    put(place, forest(mine, names[state.metric], smaller),
      dull ? note("This metric tells nothing here: a technical duplicate of the experiment is hardly better on it than the mean.", "warning") : null);
    const differs = mine.some((row) => Number.isFinite(row.difference));
    put(listed, new Table({
      caption: `${one.title}: ${names[state.metric]}`, rows: mine, mark: (row) => (row.kind === "model" ? "" : "baseline"),
      columns: [
        { key: "model", label: "Model", text: true, show: (row) => [row.model, KINDS[row.kind] ? h("span", { class: "tag", text: KINDS[row.kind] }) : null] },
        { key: "value", label: smaller ? "Value (smaller is better)" : "Value" },
        { key: "low", label: "95 % interval", show: (row) => interval(row.low, row.high) },
        ...(differs ? [{ key: "difference", label: "Better than the best baseline by" }, { key: "difference_low", label: "95 % interval", show: (row) => interval(row.difference_low, row.difference_high) },
          { key: "certainty", label: "Certainty", title: "Share of bootstrap samples in which it is better" }] : []),
        { key: "n", label: "Test units" },
      ],
    }).node);
  }

  show();
  return [
    h("h3", { text: one.title }), headline ? h("p", { class: "lead", text: headline }) : null,
    h("div", { class: "tools" },
      dropdown("Metric", Object.entries(names).map(([value, label]) => ({ value, label })), (value) => { state.metric = value; show(); }, state.metric),
      strata.length > 1 ? dropdown("Test perturbations", strata, (value) => { state.stratum = value; show(); }, state.stratum) : null),
    place,
    h("ul", { class: "key" }, h("li", { class: "dot strong", text: "model" }), h("li", { class: "dot", text: "baseline" }), h("li", { class: "hollow", text: "ceiling: the experiment held against itself" }), h("li", { class: "dash", text: "technical duplicate" })),
    listed, h("p", { class: "muted", text: one.file }), one.left_out > 0 ? note(`${number(one.left_out)} rows are left out; the file has them.`) : null,
  ];
}

/** Return a row for each model: a mark at its value, a line over its interval, the ceiling as a rule. */
function forest(rows, name, smaller) {
  const ceiling = rows.find((row) => Number.isFinite(row.ceiling))?.ceiling;
  const all = rows.flatMap((row) => [row.value, row.low, row.high]).concat(ceiling ?? []).filter(Number.isFinite);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = (high - low || 1) * 0.04;
  const rowHeight = 26;
  const width = innerWidth < 700 ? 460 : 860;
  const height = rows.length * rowHeight + 52;
  const { node, plot, toX } = chart({ label: `${name} of every model`, width, height, x: [low - room, high + room], y: [0, 1], margin: [6, 20, 44, 190], xLabel: smaller ? `${name} (smaller is better)` : name, yTicks: [] });
  node.classList.add("full");
  if (Number.isFinite(ceiling)) plot.append(s("line", { class: "null", "stroke-dasharray": "5 4", x1: toX(ceiling), x2: toX(ceiling), y1: 4, y2: height - 44 }, s("title", { text: `technical duplicate ${number(ceiling)}` })));
  rows.forEach((row, i) => {
    const y = 18 + i * rowHeight;
    const kind = { model: "strong", baseline: "plain", control: "hollow" }[row.kind] || "plain";
    plot.append(s("text", { class: "who", x: 180, y: y + 4, "text-anchor": "end", text: shorten(row.model, 24) }, s("title", { text: row.model })));
    if (Number.isFinite(row.low) && Number.isFinite(row.high)) plot.append(s("line", { class: `span ${kind}`, x1: toX(row.low), x2: toX(row.high), y1: y, y2: y }));
    plot.append(s("circle", { class: kind === "hollow" ? "hollow" : `point ${kind}`, cx: toX(row.value), cy: y, r: 5 }, s("title", { text: `${row.model}: ${number(row.value)}` })));
  });
  return node;
}
