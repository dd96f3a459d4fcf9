/* Small charts in SVG: they stay sharp on paper, and their colours follow the page. */

/** Return round values between two numbers, about `n` of them. */
function ticks(low, high, n = 4) {
  const span = high - low || 1;
  const rough = span / n;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * ([1, 2, 5, 10].find((one) => one * unit >= rough) || 10);
  const made = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-6; value += step) made.push(Math.abs(value) < step * 1e-9 ? 0 : value);
  return made;
}

/** Return a chart with axes: `x` and `y` map values to pixels, and things are drawn into `plot`. */
function chart({ label, width, height, x, y, xLabel, yLabel, margin = [12, 14, 38, 50], xTicks = null, yTicks = null }) {
  const [top, right, bottom, left] = margin;
  const toX = (value) => left + ((value - x[0]) / (x[1] - x[0] || 1)) * (width - left - right);
  const toY = (value) => height - bottom - ((value - y[0]) / (y[1] - y[0] || 1)) * (height - top - bottom);
  const plot = s("g");
  const axis = s("g", { class: "axis", "aria-hidden": "true" });
  for (const value of xTicks ?? ticks(...x)) {
    axis.append(s("line", { x1: toX(value), x2: toX(value), y1: height - bottom, y2: height - bottom + 4 }),
      s("text", { x: toX(value), y: height - bottom + 16, "text-anchor": "middle", text: number(value) }));
  }
  for (const value of yTicks ?? ticks(...y)) {
    axis.append(s("line", { class: "rule", x1: left, x2: width - right, y1: toY(value), y2: toY(value) }),
      s("text", { x: left - 8, y: toY(value) + 4, "text-anchor": "end", text: number(value) }));
  }
  axis.append(s("line", { x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }));
  if (xLabel) axis.append(s("text", { class: "name", x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle", text: xLabel }));
  if (yLabel) axis.append(s("text", { class: "name", x: 12, y: (top + height - bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${(top + height - bottom) / 2})`, text: yLabel }));
  const node = s("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, axis, plot);
  return { node, plot, toX, toY };
}

/** Return horizontal bars: rows are {name, value, text}. */
function bars(rows, { label, color = "var(--accent)", pick = null, top = null }) {
  const most = top ?? Math.max(...rows.map((row) => Math.abs(row.value)), 1e-12);
  return h("ul", { class: "bars", "aria-label": label }, rows.map((row) => h("li", {},
    pick ? h("button", { type: "button", class: "link", title: row.name, text: shorten(row.name), on: { click: () => pick(row) } }) : h("span", { class: "who", title: row.name, text: shorten(row.name) }),
    meter(row.value, most, row.text ?? number(row.value), row.color ?? color))));
}

/** Return a note in a card. */
function note(text, kind = "") {
  return h("p", { class: `note ${kind}`, text });
}
