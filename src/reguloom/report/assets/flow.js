/* The measured flow: streamlines of the vector field on the embedding, what drives it, and what was checked. */

async function flowPanel(data) {
  const all = data.flow;
  const frame = new Frame("Flow of cells", all.extent);
  const [x, y, codes, kept, u, v, ...values] = await Promise.all([all.x, all.y, all.codes, all.grid.kept, all.u, all.v, ...all.channels.map((one) => one.values)].map(load));
  const layer = new Points(frame, x, y);
  const lines = streamlines({ ...all.grid, kept, u, v });
  const centres = groupCentres(x, y, codes, all.groups.length);
  const scale = h("div", { class: "scale" });
  const colorings = [...(all.groups.length ? ["group"] : []), ...all.channels.map((one) => one.name)];
  let chosen = colorings[0];

  function paint() {
    const at = all.channels.findIndex((one) => one.name === chosen);
    if (at < 0) {
      layer.color(codes, groupTable(all.colors, null, 0.45), false);
      put(scale);
      return;
    }
    const one = all.channels[at];
    const around = one.name === "divergence";
    layer.color(values[at], around ? balanceTable() : rampTable(), !around);
    put(scale, h("strong", { text: one.name }), h("span", { class: "ends" }, h("span", { text: number(one.low) }),
      h("i", { css: { background: around ? balanceGradient() : rampGradient() }, "aria-hidden": "true" }), h("span", { text: number(one.high) })),
    h("small", { text: around ? "cells flow apart above 0, together below" : `length of the velocity in ${basisName(all.space)}` }));
  }
  paint();
  hear("theme", paint);

  frame.painters.push((pen) => {
    drawStreamlines(pen, frame, lines);
    if (chosen !== "group") return;
    drawLabels(pen, centres.flatMap((place, i) => {
      if (!place) return [];
      const [left, top] = frame.toScreen(...place);
      return [{ text: shorten(all.groups[i], 20), x: left, y: top }];
    }), true);
  });

  const choose = (name) => { chosen = name; paint(); frame.redraw(); };
  const facts = all.facts.map((one) => [h("dt", { text: one.label }), h("dd", { text: number(one.value) })]);
  const failed = [...new Set([...all.failed, ...all.diagnosis.filter((one) => !one.passed).map((one) => one.verdict)])];
  return [
    h("p", { class: "lead", text: `Where cells flow on ${basisName(all.basis)}, by a field fitted to their velocities in ${basisName(all.space)}. An embedding shows some of the flow; what leads off it is lost.` }),
    h("div", { class: "tools" }, colorings.length > 1 ? dropdown("Colour", colorings, choose, chosen) : null, frame.buttons()),
    h("div", { class: "graph" }, h("div", {}, frame.node, scale),
      h("div", { class: "about" }, h("h3", { text: "The fit" }), h("dl", { class: "facts-list" }, facts),
        failed.length ? [h("h4", { text: "Checks that failed" }), h("ul", { class: "warnings" }, failed.map((text) => h("li", { text })))] : h("p", { class: "fine", text: all.diagnosis.length ? "Every check passed." : "The quick checks passed; reguloom vectorfield diagnose makes the others." }))),
    all.n < all.total ? note(`Drawn from ${number(all.n)} of ${number(all.total)} cells, drawn at random within groups.`) : null,
    all.diagnosis.length ? checksTable(all.diagnosis) : null,
    all.drivers ? driversTable(data, all.drivers) : null,
  ];
}

function checksTable(rows) {
  const columns = [{ key: "check", label: "Check", text: true }, { key: "value", label: "Value" }, { key: "null", label: "Under the null" },
    { key: "passed", label: "Passed", text: true, show: (row) => (row.passed ? "yes" : "no") }, { key: "verdict", label: "Verdict", text: true }];
  return [h("h3", { text: "Diagnostics" }), new Table({ caption: "Diagnostics of the field", columns, rows, mark: (row) => (row.passed ? "" : "doubt") }).node];
}

const FLOW_WORDS = { gene: "Gene", effect: "Effect", alignment: "Alignment", along: "Along the flow", linear_validity: "Linear validity" };
const FLOW_HELP = {
  effect: "Mean length of the change of velocity over the mean speed; uncalibrated",
  alignment: "Mean cosine of change and flow: below 0 losing the gene works against the flow",
  along: "Mean change of speed along the flow, over the mean speed", linear_validity: "Agreement of first order with the exact change; far below 1 the row is not to be read",
};

function driversTable(data, { groups, columns, rows, left_out: leftOut }) {
  const objects = rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
  const place = h("div");
  const show = (group) => put(place, new Table({
    caption: `Genes that drive the flow of ${group}`, rows: objects.filter((row) => row.group === group), search: "Gene", sort: { key: "effect", down: true },
    pick: data.cells ? (row) => { if (data.canColor("gene", row.gene)) { say("gene", row.gene); go("cells"); } } : null,
    columns: Object.keys(FLOW_WORDS).filter((key) => columns.includes(key)).map((key) => ({ key, label: FLOW_WORDS[key], title: FLOW_HELP[key] || "", text: key === "gene" })),
  }).node);
  show(groups[0]);
  return [h("h3", { text: "What drives it" }), h("p", { class: "muted", text: "Each gene knocked out in the field, to first order. A direction, not a size." }),
    groups.length > 1 ? h("div", { class: "tools" }, dropdown("Group", groups, show, groups[0])) : null, place,
    leftOut ? note(`${number(leftOut)} rows of the smallest effects are left out.`) : null];
}

/** Return lines that follow the arrows of a grid, evenly apart: lists of points in units of the data. */
function streamlines({ nx, ny, x, y, dx, dy, kept, u, v }) {
  const known = (i, j) => i >= 0 && j >= 0 && i < nx && j < ny && kept[j * nx + i];
  /** The direction at a place of the grid, between its four points; null outside. */
  const direction = (gx, gy) => {
    const [i, j] = [Math.floor(gx), Math.floor(gy)];
    if (!known(i, j) || !known(i + 1, j) || !known(i, j + 1) || !known(i + 1, j + 1)) return null;
    const [a, b] = [gx - i, gy - j];
    const mix = (values) => (values[j * nx + i] * (1 - a) + values[j * nx + i + 1] * a) * (1 - b) + (values[(j + 1) * nx + i] * (1 - a) + values[(j + 1) * nx + i + 1] * a) * b;
    const [p, q] = [mix(u) / dx, mix(v) / dy];
    const size = Math.hypot(p, q);
    return size > 1e-9 ? [p / size, q / size, Math.hypot(mix(u), mix(v))] : null;
  };
  const fine = 1.3;
  const taken = new Set();
  const cell = (gx, gy) => Math.floor(gx * fine) + 4096 * Math.floor(gy * fine);
  const step = 0.12;

  function follow(gx, gy, sign, own) {
    const points = [];
    let [px, py] = [gx, gy];
    for (let n = 0; n < 420; n++) {
      const first = direction(px, py);
      if (!first) break;
      const half = direction(px + (sign * step * first[0]) / 2, py + (sign * step * first[1]) / 2);
      if (!half) break;
      px += sign * step * half[0];
      py += sign * step * half[1];
      const here = cell(px, py);
      if (taken.has(here) && !own.has(here)) break;
      own.add(here);
      points.push([px, py, half[2]]);
    }
    return points;
  }

  const lines = [];
  const seeds = [];
  for (let j = 0; j < ny * 2; j++) for (let i = 0; i < nx * 2; i++) seeds.push([i / 2, j / 2]);
  // From the middle outwards, so that long lines come first.
  seeds.sort((a, b) => Math.hypot(a[0] - nx / 2, a[1] - ny / 2) - Math.hypot(b[0] - nx / 2, b[1] - ny / 2));
  for (const [gx, gy] of seeds) {
    if (taken.has(cell(gx, gy)) || !direction(gx, gy)) continue;
    const own = new Set([cell(gx, gy)]);
    const line = [...follow(gx, gy, -1, own).reverse(), [gx, gy, direction(gx, gy)[2]], ...follow(gx, gy, 1, own)];
    if (line.length < 14) continue;
    for (const one of own) taken.add(one);
    lines.push(line.map(([px, py, size]) => [x + px * dx, y + py * dy, size / 127]));
  }
  return lines;
}

/** Draw lines, thicker where the flow is fast, each with a head in its middle. */
function drawStreamlines(pen, frame, lines) {
  pen.save();
  pen.strokeStyle = css("--ink");
  pen.fillStyle = css("--ink");
  pen.lineCap = "round";
  pen.lineJoin = "round";
  for (const line of lines) {
    const at = line.map(([px, py]) => frame.toScreen(px, py));
    for (let i = 0; i + 1 < line.length; i += 6) {
      pen.lineWidth = 0.7 + 1.9 * Math.min(1, line[i][2]);
      pen.beginPath();
      pen.moveTo(...at[i]);
      for (let k = i + 1; k <= Math.min(i + 6, line.length - 1); k++) pen.lineTo(...at[k]);
      pen.stroke();
    }
    const m = line.length >> 1;
    const turn = Math.atan2(at[m][1] - at[m - 2][1], at[m][0] - at[m - 2][0]);
    const size = 5 + 4 * Math.min(1, line[m][2]);
    pen.beginPath();
    pen.moveTo(at[m][0] + size * 0.6 * Math.cos(turn), at[m][1] + size * 0.6 * Math.sin(turn));
    for (const side of [2.5, -2.5]) pen.lineTo(at[m][0] + size * 0.8 * Math.cos(turn + side), at[m][1] + size * 0.8 * Math.sin(turn + side));
    pen.closePath();
    pen.fill();
  }
  pen.restore();
}

/** Return the colours on both sides of 0: those of down and up, grey between. */
function balanceStops() {
  return [DOWN[theme()], RAMPS[theme()][0], UP[theme()]];
}

function balanceTable() {
  const stops = balanceStops().map(rgb);
  const table = new Uint8Array(1024);
  for (let i = 0; i < 256; i++) {
    const [low, share] = i < 128 ? [0, i / 127.5] : [1, (i - 127.5) / 127.5];
    for (let c = 0; c < 3; c++) table[4 * i + c] = stops[low][c] + share * (stops[low + 1][c] - stops[low][c]);
    table[4 * i + 3] = 255;
  }
  return table;
}

function balanceGradient() {
  return `linear-gradient(to right, ${balanceStops().join(", ")})`;
}
