/* Temporal modules: their mean curves, and when their genes respond. */

const LABELS = { half_time: "half-time (h)", onset: "onset (h)", n_genes: "genes", n_modules: "modules", held_out: "held-out log-likelihood", gain: "gain over the best baseline", gain_se: "its standard error" };

function temporalPanel(data) {
  const all = data.temporal;
  const color = (name) => `rgb(${shade(all.colors[all.modules.indexOf(name)] || "#8A8F98").join(" ")})`;
  const tracks = all.curves ? [...new Set(all.curves.map((row) => row[1]))] : [];
  const curves = h("div", { class: "grid" });
  const detail = h("div", { class: "detail", "aria-live": "polite" });
  const times = h("div", { class: "wide" });
  const genes = all.genes.map(([gene, module, half, onset]) => ({ gene, module, half, onset }));

  function draw() {
    if (all.curves) put(curves, all.modules.map((name) => curve(name)));
    put(times, timing());
  }

  function curve(name) {
    const rows = all.curves.filter((row) => row[0] === name);
    if (!rows.length) return null;
    const every = all.curves.map((row) => row[2]);
    const values = all.curves.flatMap((row) => [row[4], row[5]]).filter(Number.isFinite);
    const { node, plot, toX, toY } = chart({ label: `Mean course of module ${name}`, width: 290, height: 190, x: [Math.min(...every), Math.max(...every)], y: [Math.min(...values), Math.max(...values)], margin: [10, 12, 36, 42], xLabel: "time (h)" });
    tracks.forEach((track, k) => {
      const line = rows.filter((row) => row[1] === track).sort((a, b) => a[2] - b[2]);
      const at = (i) => line.map((row) => `${toX(row[2]).toFixed(1)},${toY(row[i]).toFixed(1)}`);
      if (tracks.length === 1) plot.append(s("polygon", { points: [...at(4), ...at(5).reverse()].join(" "), css: { fill: color(name), "fill-opacity": 0.16 } }));
      plot.append(s("polyline", { points: at(3).join(" "), css: { fill: "none", stroke: color(name), "stroke-width": "2.2", "stroke-dasharray": ["none", "6 4", "2 3", "9 3 2 3"][k % 4] } }));
    });
    return h("figure", { class: "small" }, h("figcaption", {}, h("button", { type: "button", class: "link", text: `${name} (${number(all.counts[name])} genes)`, on: { click: () => show(name) } })), node);
  }

  /** One row for each module, a mark for each gene at its half-time. */
  function timing() {
    const known = genes.filter((row) => Number.isFinite(row.half));
    if (!known.length) return null;
    const [rowHeight, width] = [34, innerWidth < 700 ? 460 : 860];
    const height = all.modules.length * rowHeight + 48;
    const { node, plot, toX } = chart({ label: "Half-times of the genes of each module", width, height, x: [Math.min(0, ...known.map((row) => row.half)), Math.max(...known.map((row) => row.half))], y: [0, 1], margin: [6, 16, 40, 96], xLabel: "half-time of a gene (h)", yTicks: [] });
    node.classList.add("full");
    all.modules.forEach((name, i) => {
      const y = 8 + (i + 0.5) * rowHeight;
      const mine = known.filter((row) => row.module === name);
      plot.append(s("text", { x: 86, y: y + 4, "text-anchor": "end", text: shorten(name, 12) }));
      mine.forEach((row) => plot.append(s("line", { x1: toX(row.half), x2: toX(row.half), y1: y - 9, y2: y + 9, css: { stroke: color(name), "stroke-opacity": 0.45, "stroke-width": "1.4" } }, s("title", { text: `${row.gene} ${number(row.half)}` }))));
      if (mine.length) {
        const x = toX(middle(mine.map((row) => row.half)));
        plot.append(s("circle", { cx: x, cy: y, r: 5, css: { fill: color(name), stroke: "var(--card)", "stroke-width": "2" } }, s("title", { text: `${name}: median ${number(middle(mine.map((row) => row.half)))}` })));
      }
    });
    return node;
  }

  function show(name) {
    const mine = genes.filter((row) => row.module === name);
    const table = new Table({
      caption: `Genes of ${name}`, rows: mine, search: "Gene", sort: { key: null, down: false },
      columns: [{ key: "gene", label: "Gene", text: true }, { key: "half", label: "Half-time (h)" }, { key: "onset", label: "Onset (h)" }],
      pick: data.cells ? (row) => { if (data.canColor("gene", row.gene)) { say("gene", row.gene); go("cells"); } } : null,
    });
    put(detail, h("h3", { text: `${name}: ${number(mine.length)} genes` }), table.node);
  }

  function listing(content, title, marked) {
    if (!content) return null;
    const columns = content.columns.map((label, i) => ({ key: `c${i}`, label: LABELS[label] || label.replace(/_/g, " "), text: content.rows.some((row) => typeof row[i] === "string" && row[i] !== "") }))
      .filter((column, i) => content.rows.some((row) => row[i] !== null && row[i] !== ""));
    const at = content.columns.indexOf("method");
    const rows = content.rows.map((row) => ({ ...Object.fromEntries(row.map((value, i) => [`c${i}`, value])), baseline: marked && at >= 0 && row[at] !== all.method }));
    if (columns.length) columns[0].show = (row) => [String(row.c0 ?? EMPTY), row.baseline ? h("span", { class: "tag", text: "baseline" }) : null];
    return [h("h3", { text: title }), new Table({ caption: title, columns, rows, mark: (row) => (row.baseline ? "baseline" : "") }).node];
  }

  draw();
  hear("theme", draw);
  show(all.modules[0]);
  const rest = Object.entries(all.counts).filter(([name]) => !all.modules.includes(name)).map(([name, n]) => `${number(n)} ${name}`);
  return [
    h("p", { class: "lead", text: `${number(all.modules.length)} modules${all.method ? ` by ${all.method}` : ""}, numbered by their half-times${rest.length ? `; ${rest.join(" and ")} genes are in none` : ""}.${all.curves && tracks.length === 1 ? " Bands hold 90 % of a module\u2019s genes." : ""}` }),
    all.curves ? curves : null,
    tracks.length > 1 ? note(`Lines: ${tracks.map((name, k) => `${name} ${["solid", "dashed", "dotted", "dash-dotted"][k % 4]}`).join(", ")}.`) : null,
    times, listing(all.summary, "Modules", false), listing(all.benchmark, "Held against the baselines", true), detail,
  ];
}
