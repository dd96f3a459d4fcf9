/* Every factor's score by lineage, beside its null and the baselines. */

const DRAWN = 20;
const ORDER = [
  "gene", "net", "excess", "negative", "positive", "effect_size", "q", "q_matched", "q_block",
  "baseline_random_network", "baseline_correlation", "baseline_mean_shift", "baseline_neighbors_mean", "baseline_no_change", "checks",
];
const WORDS = {
  gene: "Factor", net: "Net", negative: "Against", positive: "Along", effect_size: "Effect size", excess: "Excess", q: "q rewired", q_matched: "q matched", q_block: "q block", checks: "Failed checks",
  baseline_no_change: "No change", baseline_mean_shift: "Mean shift", baseline_neighbors_mean: "Neighbours\u2019 mean", baseline_random_network: "Random network", baseline_correlation: "Correlation",
};
const HELP = {
  excess: "What of the score a random network does not do: its sign is the direction that q rewired speaks for",
  net: "Along minus against: the direction", effect_size: "Mean length of a cell\u2019s change of expression; uncalibrated",
  q: "Against priors whose edges are dealt out anew, corrected over the factors of a lineage", q_matched: "Against genes of like expression that regulate nothing", q_block: "Against development exchanged between regions",
};

function rankingPanel(data) {
  const { columns, rows, lineages } = data.ranking;
  const objects = rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
  const shown = ORDER.filter((name) => columns.includes(name));
  const draw = h("div", { class: "wide" });
  const place = h("div");
  const choose = (lineage) => {
    const mine = objects.filter((row) => row.lineage === lineage);
    put(draw, lollipops(mine, lineage));
    put(place, listing(mine, lineage));
  };

  function listing(mine, lineage) {
    const table = new Table({
      caption: `Factors in ${lineage}`, rows: mine, search: "Factor", sort: { key: null, down: true },
      pick: data.knockout ? (row) => { say("knockout", row.gene); go("knockout"); } : null,
      columns: shown.map((key) => ({ key, label: WORDS[key], title: HELP[key] || (key.startsWith("baseline_") ? "Net score of a baseline" : ""), text: ["gene", "checks"].includes(key), digits: 2 })),
    });
    return table.node;
  }

  choose(lineages[0]);
  const called = "q" in (objects[0] || {}) ? objects.filter((row) => row.lineage === lineages[0] && row.q !== null && row.q < 0.05).length : null;
  const text = called === null ? "" : ` In ${lineages[0] === "all" ? "all cells" : lineages[0]}, ${number(called)} of ${number(objects.filter((row) => row.lineage === lineages[0]).length)} factors pass q < 0.05 against rewired networks.`;
  return [
    h("p", { class: "lead", text: `Below 0, losing the factor moves cells against development; above, along it.${text}` }),
    h("div", { class: "tools" }, dropdown("Lineage", lineages, choose, lineages[0])),
    draw,
    h("ul", { class: "key" }, h("li", { class: "down dot", text: "against" }), h("li", { class: "up dot", text: "along" }), h("li", { class: "tick", text: "mean of random networks of the same degrees" }), h("li", { class: "hollow", text: "slope on the factor (correlation)" })),
    place,
  ];
}

function lollipops(rows, lineage) {
  const list = [...rows].filter((row) => row.net !== null).sort((a, b) => Math.abs(b.net) - Math.abs(a.net)).slice(0, DRAWN);
  const extra = list.flatMap((row) => [row.net, row.baseline_random_network, row.baseline_correlation].filter((value) => Number.isFinite(value)));
  const most = Math.max(...extra.map(Math.abs), 1e-9) * 1.08;
  const rowHeight = 24;
  const width = innerWidth < 700 ? 460 : 760;
  const height = list.length * rowHeight + 60;
  const { node, plot, toX } = chart({ label: `Net perturbation scores in ${lineage}`, width, height, x: [-most, most], y: [0, 1], margin: [8, 120, 44, 130], xLabel: "net perturbation score", yTicks: [] });
  node.classList.add("full");
  plot.append(s("line", { class: "zero", x1: toX(0), x2: toX(0), y1: 4, y2: height - 44 }));
  list.forEach((row, i) => {
    const y = 20 + i * rowHeight;
    const kind = row.net < 0 ? "down" : "up";
    plot.append(s("text", { class: "who", x: 122, y: y + 4, "text-anchor": "end", text: shorten(row.gene, 18) }, s("title", { text: row.gene })),
      s("line", { class: `stem ${kind}`, x1: toX(0), x2: toX(row.net), y1: y, y2: y }), s("circle", { class: `point ${kind}`, cx: toX(row.net), cy: y, r: 5 }, s("title", { text: `net ${number(row.net)}` })));
    if (Number.isFinite(row.baseline_random_network)) plot.append(s("line", { class: "null", x1: toX(row.baseline_random_network), x2: toX(row.baseline_random_network), y1: y - 7, y2: y + 7 }));
    if (Number.isFinite(row.baseline_correlation)) plot.append(s("circle", { class: "hollow", cx: toX(row.baseline_correlation), cy: y, r: 4 }));
    if (Number.isFinite(row.q ?? NaN)) plot.append(s("text", { class: "side", x: width - 110, y: y + 4, text: `q ${number(row.q, 2)}` }));
  });
  return node;
}
