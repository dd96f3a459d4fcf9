/* Fields of arrows over an embedding. */

/** Draw arrows that start at `x`, `y` (units of the data) with directions `u`, `v`; `colors` are one for each or one for all. */
function drawArrows(pen, frame, { x, y, u, v, length, colors, width = 1.2, alpha = 1 }) {
  pen.save();
  pen.globalAlpha = alpha;
  pen.lineWidth = width;
  pen.lineCap = "round";
  pen.lineJoin = "round";
  for (let i = 0; i < x.length; i++) {
    const [dx, dy] = [u[i] * length * frame.scale, -v[i] * length * frame.scale];
    const size = Math.hypot(dx, dy);
    if (size < 1.5) continue;
    const [x0, y0] = frame.toScreen(x[i], y[i]);
    const [x1, y1] = [x0 + dx, y0 + dy];
    const head = Math.min(5.5, size * 0.45);
    const turn = Math.atan2(dy, dx);
    pen.strokeStyle = typeof colors === "string" ? colors : colors[i];
    pen.beginPath();
    pen.moveTo(x0, y0);
    pen.lineTo(x1, y1);
    for (const side of [-0.5, 0.5]) {
      pen.moveTo(x1, y1);
      pen.lineTo(x1 - head * Math.cos(turn + side), y1 - head * Math.sin(turn + side));
    }
    pen.stroke();
  }
  pen.restore();
}

/** Write labels with a rim of the background, so that they can be read over points; with `apart` none lies on another. */
function drawLabels(pen, labels, apart = false) {
  pen.save();
  pen.font = "600 12px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  pen.lineWidth = 4;
  pen.strokeStyle = css("--card");
  pen.fillStyle = css("--ink");
  const edge = pen.canvas.clientWidth;
  const taken = [];
  for (const { text, x: middle, y: level } of labels) {
    const half = pen.measureText(text).width / 2 + 4;
    const free = (at) => !taken.some((one) => Math.abs(one.y - at) < 14 && Math.abs(one.x - middle) < one.half + half);
    const steps = [0, 14, -14, 28, -28, 42, -42, 56, -56];
    const y = apart ? level + (steps.find((step) => free(level + step)) ?? 0) : level;
    taken.push({ x: middle, y, half });
    const near = middle > -half && middle < edge + half;
    const x = near ? Math.min(Math.max(middle, half), edge - half) : middle;
    pen.strokeText(text, x, y);
    pen.fillText(text, x, y);
  }
  pen.restore();
}

/** Return the middle of every group: the member nearest to the group's median, so that a label never lies off its cells. */
function groupCentres(x, y, codes, n) {
  const members = Array.from({ length: n }, () => []);
  for (let i = 0; i < codes.length; i++) if (codes[i] < n) members[codes[i]].push(i);
  const middle = (list, values) => list.map((i) => values[i]).sort((a, b) => a - b)[list.length >> 1];
  return members.map((list) => {
    if (!list.length) return null;
    const step = Math.max(1, Math.floor(list.length / 4000));
    const some = list.filter((_, i) => i % step === 0);
    const [mx, my] = [middle(some, x), middle(some, y)];
    const near = some.reduce((best, i) => ((x[i] - mx) ** 2 + (y[i] - my) ** 2 < (x[best] - mx) ** 2 + (y[best] - my) ** 2 ? i : best));
    return [x[near] / 65535, y[near] / 65535];
  });
}
