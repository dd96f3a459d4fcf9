/* The network as a graph: places come with the file, this only draws, searches and points out. */

async function networkPanel(data) {
  const graph = data.network;
  const frame = new Frame("Regulatory network", graph.extent);
  const [x, y, from, to, strength, sign] = await Promise.all([graph.x, graph.y, graph.source, graph.target, graph.strength, graph.sign].map(load));
  const n = graph.names.length;
  const regulators = new Set(graph.regulators);
  const degree = new Uint32Array(n);
  const edgesOf = Array.from({ length: n }, () => []);
  for (let e = 0; e < from.length; e++) {
    degree[from[e]]++;
    edgesOf[from[e]].push(e);
    edgesOf[to[e]].push(e);
  }
  const index = new Map(graph.names.map((name, i) => [name, i]));
  let chosen = -1;
  const radius = (i) => (regulators.has(i) ? Math.min(11, 3.4 + Math.sqrt(degree[i]) * 0.55) : 2.1) * Math.min(1.8, frame.view.zoom ** 0.35);
  const place = (i) => frame.toScreen(x[i] / 65535, y[i] / 65535);

  function drawEdges(pen, list, alpha, wide) {
    const colors = { 1: css("--up"), "-1": css("--down"), 0: css("--muted") };
    for (const e of list) {
      const [x0, y0] = place(from[e]);
      const [x1, y1] = place(to[e]);
      const w = strength[e] / 255;
      pen.globalAlpha = alpha * (0.25 + 0.75 * w);
      pen.strokeStyle = colors[sign[e]];
      pen.lineWidth = (0.4 + 0.9 * w) * wide;
      pen.beginPath();
      pen.moveTo(x0, y0);
      pen.lineTo(x1, y1);
      pen.stroke();
      if (wide > 1) drawEnd(pen, x0, y0, x1, y1, radius(to[e]), sign[e]);
    }
    pen.globalAlpha = 1;
  }

  /** An arrow for activation and unknown signs, a bar for repression. */
  function drawEnd(pen, x0, y0, x1, y1, room, kind) {
    const turn = Math.atan2(y1 - y0, x1 - x0);
    const [ex, ey] = [x1 - (room + 1.5) * Math.cos(turn), y1 - (room + 1.5) * Math.sin(turn)];
    pen.beginPath();
    for (const side of kind < 0 ? [Math.PI / 2, -Math.PI / 2] : [Math.PI - 0.45, Math.PI + 0.45]) {
      pen.moveTo(ex, ey);
      pen.lineTo(ex + 5 * Math.cos(turn + side), ey + 5 * Math.sin(turn + side));
    }
    pen.stroke();
  }

  frame.painters.push((pen) => {
    const all = from.keys();
    const near = chosen < 0 ? null : new Set(edgesOf[chosen].flatMap((e) => [from[e], to[e]]));
    drawEdges(pen, all, near ? 0.06 : Math.min(0.5, 260 / Math.sqrt(from.length) / 10), 1);
    if (near) drawEdges(pen, edgesOf[chosen], 0.9, 1.6);
    const paper = css("--card");
    for (const group of [false, true]) {
      for (let i = 0; i < n; i++) {
        if (regulators.has(i) !== group) continue;
        const lit = !near || near.has(i) || i === chosen;
        const [px, py] = place(i);
        pen.globalAlpha = lit ? 1 : 0.18;
        pen.fillStyle = group ? css("--ink") : css("--dot");
        pen.strokeStyle = paper;
        pen.lineWidth = 1;
        pen.beginPath();
        pen.arc(px, py, radius(i), 0, 2 * Math.PI);
        pen.fill();
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
    names(pen, near);
  });

  /** Names that do not run into each other: the chosen one, then factors by their number of targets, then the rest. */
  function names(pen, near) {
    const wanted = near ? [...near] : [...Array(n).keys()].filter((i) => regulators.has(i) || frame.view.zoom > 3);
    wanted.sort((a, b) => (b === chosen) - (a === chosen) || degree[b] - degree[a] || a - b);
    const boxes = [];
    const labels = [];
    pen.font = "600 12px system-ui, sans-serif";
    for (const i of wanted.slice(0, 600)) {
      const [px, py] = place(i);
      const text = shorten(graph.names[i], 18);
      const half = pen.measureText(text).width / 2 + 2;
      const box = [px - half, py - radius(i) - 15, px + half, py - radius(i) - 1];
      const outside = box[2] < 0 || box[0] > frame.node.clientWidth || box[3] < 0 || box[1] > frame.node.clientHeight;
      if (outside || boxes.some((one) => one[0] < box[2] && box[0] < one[2] && one[1] < box[3] && box[1] < one[3])) continue;
      boxes.push(box);
      labels.push({ text, x: px, y: py - radius(i) - 8 });
    }
    drawLabels(pen, labels);
  }

  function nearest(at) {
    let [best, least] = [-1, 14 ** 2];
    for (let i = 0; i < n; i++) {
      const [px, py] = place(i);
      const far = (px - at[0]) ** 2 + (py - at[1]) ** 2;
      if (far < least) [best, least] = [i, far];
    }
    return best;
  }

  const about = h("div", { class: "about", "aria-live": "polite" });
  function choose(i) {
    chosen = i;
    factor.set(i >= 0 && regulators.has(i) ? String(i) : null);
    search.set(i >= 0 ? String(i) : null);
    frame.redraw();
    if (i < 0) return put(about, h("p", { class: "muted", text: "Choose a gene in the graph or by name to see what it regulates and what regulates it." }));
    const list = (edges, end) => edges.sort((a, b) => strength[b] - strength[a]).map((e) => h("li", {}, h("button", { type: "button", class: `chip ${sign[e] > 0 ? "up" : sign[e] < 0 ? "down" : ""}`, text: shorten(graph.names[end[e]]), on: { click: () => choose(end[e]) } })));
    const part = (title, edges, end) => (edges.length ? [h("h4", { text: `${title} (${number(edges.length)})` }), h("ul", { class: "chips" }, list(edges, end).slice(0, 60)), edges.length > 60 ? note(`and ${number(edges.length - 60)} more`) : null] : []);
    return put(about, h("h3", { text: graph.names[i] }),
      part("Regulated by", edgesOf[i].filter((e) => to[e] === i), from),
      part("Regulates", edgesOf[i].filter((e) => from[e] === i), to));
  }
  const factor = new Combobox({ label: "Factor", options: graph.regulators.map((i) => ({ value: String(i), label: graph.names[i] })).sort((a, b) => a.label.localeCompare(b.label)), pick: (one) => choose(Number(one.value)) });
  const search = new Combobox({ label: "Any gene", options: graph.names.map((name, i) => ({ value: String(i), label: name })), pick: (one) => centre(Number(one.value)) });
  function centre(i) {
    choose(i);
    frame.move({ x: x[i] / 65535, y: y[i] / 65535, zoom: Math.max(frame.view.zoom, 2) });
  }
  frame.onhover = (at) => {
    const i = nearest(at);
    frame.tip(i < 0 ? null : `${graph.names[i]}${degree[i] ? `, ${number(degree[i])} targets` : ""}`, at);
  };
  frame.onpick = (at) => choose(nearest(at));
  hear("network", (name) => { if (index.has(name)) choose(index.get(name)); });
  choose(-1);
  const cut = graph.n_edges < graph.total_edges ? ` Shown are ${number(graph.n_edges)} of ${number(graph.total_edges)} edges, every factor\u2019s strongest first.` : "";
  return [
    h("p", { class: "lead", text: `${number(n)} genes from the ${graph.origin}. Dark nodes regulate.${cut}` }),
    h("div", { class: "tools" }, factor.node, search.node, h("button", { type: "button", class: "quiet", text: "Clear", on: { click: () => { choose(-1); frame.reset(); } } }), frame.buttons()),
    h("div", { class: "graph" }, frame.node, about),
    h("ul", { class: "key" }, h("li", { class: "up", text: "activates" }), h("li", { class: "down", text: "represses" }), h("li", { class: "plain", text: "sign unknown" })),
  ];
}
