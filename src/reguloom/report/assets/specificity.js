/* Regulon specificity: for each group, every regulon by rank, the first named. */

const NAMED = 5;

function specificityPanel(data) {
  const tables = data.specificity;
  const grid = h("div", { class: "grid" });
  const draw = (key) => {
    const table = tables.find((one) => one.groupby === key);
    const top = Math.max(...table.scores.flat());
    const low = Math.min(...table.scores.flat());
    put(grid, table.groups.map((group, i) => rankPlot(table, group, table.scores[i], [Math.max(0, low - 0.05 * (top - low)), top + 0.06 * (top - low)])));
  };
  draw(tables[0].groupby);
  return [
    h("p", { class: "lead", text: "How exclusively a regulon is active in a group: 1 if nowhere else. The most specific ones are named; choose one to see it everywhere." }),
    tables.length > 1 ? h("div", { class: "tools" }, dropdown("Groups", tables.map((one) => one.groupby), draw, tables[0].groupby)) : null,
    grid,
  ];
}

function rankPlot(table, group, scores, y) {
  const order = scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a]);
  const n = order.length;
  const { node, plot, toX, toY } = chart({
    label: `Specificity for ${group}; first ${table.regulons[order[0]]}, ${number(scores[order[0]])}`, width: 290, height: 190, x: [0.5, Math.max(n, 30) + 0.5], y,
    margin: [12, 10, 24, 40], xTicks: [1, n], yLabel: null,
  });
  const names = order.slice(0, NAMED);
  const [step, right] = [17, Math.max(toX(Math.min(n, 12)) + 14, 96)];
  const [leaders, labels] = [s("g"), s("g")];
  let last = 0;
  names.forEach((i, rank) => {
    const x = toX(rank + 1);
    const level = rank ? Math.max(toY(scores[i]), last + step) : toY(scores[i]);
    last = level;
    leaders.append(s("line", { class: "leader", x1: x + 4, y1: toY(scores[i]), x2: right - 5, y2: level }));
    labels.append(
      s("text", { class: "pick", tabindex: 0, role: "button", x: right, y: level + 4, text: `${shorten(table.regulons[i], 18)}  ${number(scores[i], 2)}`,
        on: { click: () => say("regulon-name", table.regulons[i]), keydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); say("regulon-name", table.regulons[i]); } } } }));
  });
  order.forEach((i, rank) => plot.append(s("circle", { class: rank < NAMED ? "point strong" : "point", cx: toX(rank + 1), cy: toY(scores[i]), r: rank < NAMED ? 3.5 : 2 }, s("title", { text: `${table.regulons[i]}: ${number(scores[i])}` }))));
  plot.prepend(leaders);
  plot.append(labels);
  return h("figure", { class: "small" }, h("figcaption", {}, h("strong", { text: shorten(group) })), node);
}
