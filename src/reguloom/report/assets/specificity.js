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
  // Names stand below one another; where they would leave the plot at the bottom, all move up.
  const levels = [];
  names.forEach((i, rank) => levels.push(rank ? Math.max(toY(scores[i]), levels[rank - 1] + step) : toY(scores[i])));
  const over = Math.max(0, levels[levels.length - 1] - 160);
  names.forEach((i, rank) => {
    const [x, level] = [toX(rank + 1), levels[rank] - over];
    const choose = () => say("regulon-name", table.regulons[i]);
    const press = (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose();
    };
    leaders.append(s("line", { class: "leader", x1: x + 4, y1: toY(scores[i]), x2: right - 5, y2: level }));
    labels.append(s("text", { class: "pick", tabindex: 0, role: "button", x: right, y: level + 4, text: `${shorten(table.regulons[i], 18)}  ${number(scores[i], 2)}`, on: { click: choose, keydown: press } }));
  });
  order.forEach((i, rank) => plot.append(s("circle", { class: rank < NAMED ? "point strong" : "point", cx: toX(rank + 1), cy: toY(scores[i]), r: rank < NAMED ? 3.5 : 2 }, s("title", { text: `${table.regulons[i]}: ${number(scores[i])}` }))));
  plot.prepend(leaders);
  plot.append(labels);
  return h("figure", { class: "small" }, h("figcaption", {}, h("strong", { text: shorten(group) })), node);
}
