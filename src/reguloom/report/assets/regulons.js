/* The table of regulons, and the one that was chosen: targets, motifs, activity, specificity, knock-out. */

function regulonsPanel(data) {
  const { rows, targets, most_targets: most } = data.regulons;
  const scores = data.specificity ? data.specificity[0] : null;
  const nets = netScores(data);
  for (const row of rows) {
    const i = scores ? scores.regulons.indexOf(row.channel) : -1;
    const line = i >= 0 ? scores.scores.map((one) => one[i]) : [];
    const best = line.indexOf(Math.max(...line));
    Object.assign(row, { rss: line.length ? line[best] : null, group: line.length ? scores.groups[best] : "", net: nets.get(row.tf) ?? null, n_motifs: row.motifs.length, line });
  }
  const top = (key) => Math.max(...rows.map((row) => Math.abs(row[key] ?? 0)));
  const has = (key) => rows.some((row) => row[key] !== null && row[key] !== "" && row[key] !== undefined);
  const columns = [
    { key: "name", label: "Regulon", text: true },
    { key: "n_targets", label: "Targets", title: "Number of target genes" },
    { key: "nes", label: "NES", title: "Normalized enrichment score of the best motif" },
    { key: "activity", label: "Mean activity", title: "AUCell over all cells", show: (row) => meter(row.activity, top("activity")) },
    { key: "group", label: "Most specific for", text: true },
    { key: "rss", label: "RSS", title: "Regulon specificity score in that group" },
    { key: "net", label: "Knock-out", title: "Net perturbation score over all cells: below 0 against development", show: (row) => meter(row.net, top("net"), number(row.net), row.net < 0 ? "var(--down)" : "var(--up)") },
  ].filter((column) => column.key === "name" || has(column.key));
  let chosen = null;
  const table = new Table({
    caption: "Regulons", columns, rows, search: "Regulon, factor or group",
    sort: { key: has("rss") ? "rss" : "nes", down: true }, pick: (row) => say("regulon", row), mark: (row) => (row === chosen ? "chosen" : ""),
  });
  const detail = h("section", { class: "detail", "aria-live": "polite", "aria-label": "Chosen regulon" });

  async function show(row) {
    chosen = row;
    table.draw();
    const [members, weights] = await Promise.all([load(targets.members), load(targets.weights)]);
    if (chosen !== row) return;
    const at = rows.indexOf(row);
    const genes = [];
    for (let k = targets.start[at]; k < targets.start[at + 1]; k++) genes.push({ gene: targets.genes[members[k]], weight: (weights[k] / 255) * targets.tops[at] });
    put(detail, heading(row), h("div", { class: "columns" }, targetList(row, genes), motifList(row), groupBars(row)));
  }

  function heading(row) {
    const flows = data.knockout ? data.knockout.flows.some((one) => one.gene === row.tf) : false;
    const act = (text, work, usable = true) => h("button", { type: "button", disabled: !usable, text, on: { click: work } });
    return h("header", {}, h("h3", { text: row.name }), h("div", { class: "actions" },
      act("Colour the cells", () => { say("regulon", row); go("cells"); }, data.canColor("regulon", row.channel)),
      act("Show in the network", () => { say("network", row.tf); go("network"); }, Boolean(data.network)),
      data.knockout ? act(`Knock out ${shorten(row.tf, 14)}`, () => { say("knockout", row.tf); go("knockout"); }, flows) : null));
  }

  function targetList(row, genes) {
    const first = genes.slice(0, 40);
    const chip = (one) => {
      const usable = data.canColor("gene", one.gene);
      return h("li", {}, h("button", { type: "button", class: "chip", disabled: !usable, title: `weight ${number(one.weight)}`, text: shorten(one.gene), on: { click: () => { say("gene", one.gene); go("cells"); } } }));
    };
    const list = h("ul", { class: "chips" }, first.map(chip));
    const rest = genes.length - first.length;
    const more = rest > 0 ? h("button", { type: "button", class: "quiet", text: `Show ${number(rest)} more`, on: { click: () => { list.append(...genes.slice(40).map(chip)); more.remove(); } } }) : null;
    return h("div", {}, h("h4", { text: `Targets (${number(row.n_targets)}), strongest first` }), list, more,
      row.n_targets > most ? note(`The ${number(most)} strongest targets are in this file.`) : null);
  }

  function motifList(row) {
    if (!row.motifs.length) return null;
    return h("div", {}, h("h4", { text: "Motifs" }), h("ol", { class: "motifs" }, row.motifs.map((one) => h("li", {},
      h("strong", { text: shorten(one.motif, 34), title: one.motif }), one.nes !== undefined ? h("span", { class: "value", text: `NES ${number(one.nes)}` }) : null,
      one.annotation ? h("small", { text: one.annotation }) : null))));
  }

  function groupBars(row) {
    if (!row.line.length) return null;
    const list = scores.groups.map((name, i) => ({ name, value: row.line[i] })).sort((a, b) => b.value - a.value).slice(0, 12);
    return h("div", {}, h("h4", { text: `Specificity by ${scores.groupby}` }), bars(list, { label: `Specificity of ${row.name}`, top: 1 }));
  }

  hear("regulon", show);
  hear("regulon-name", (name) => { const row = rows.find((one) => one.name === name || one.channel === name); if (row) say("regulon", row); });
  say("regulon", table.found[0]);
  return [h("p", { class: "lead", text: "Each regulon is a factor with the targets that motifs support. Choose one to see its targets, motifs, activity and knock-out." }), table.node, detail];
}

/** Return factor -> net perturbation score over all cells. */
function netScores(data) {
  if (!data.ranking) return new Map();
  const [gene, lineage, net] = ["gene", "lineage", "net"].map((name) => data.ranking.columns.indexOf(name));
  return new Map(data.ranking.rows.filter((row) => row[lineage] === data.ranking.lineages[0]).map((row) => [row[gene], row[net]]));
}
