/*
 * The oracle's simulation, in the browser. D starts as the perturbation; then, each round, D becomes D C with the
 * coefficients C of the cell's group, perturbed genes are put back, and expression is kept from falling below 0.
 * Genes lie in rows, so that an edge is one sweep over the cells of a group, which lie side by side.
 */

const FAR = 0.5;
const MANY = 0.5;
const GROWING = 1.5;

class Simulator {
  static async load(fields) {
    const [own, ...edges] = await Promise.all([loadAll(fields), ...fields.edges.map(loadAll)]);
    return new Simulator({ ...own, edges });
  }

  constructor(fields) {
    Object.assign(this, fields);
    const [size, n] = [this.genes.length, this.n];
    this.values = new Float64Array(size * n);
    for (let g = 0; g < size; g++) {
      for (let i = 0; i < n; i++) this.values[g * n + i] = this.base[g] + (this.expression[g * n + i] / 65535) * this.span[g];
    }
    this.regulators.forEach((g, k) => this.values.set(this.exact.subarray(k * n, (k + 1) * n), g * n));
    // Cells come sorted by group.
    this.ranges = this.groups.map((_, code) => [this.codes.indexOf(code), this.codes.lastIndexOf(code) + 1]);
    this.index = new Map(this.genes.map((name, g) => [name, g]));
  }

  /** Return the mean of a gene over the sampled cells. */
  mean(g) {
    let sum = 0;
    for (let i = 0; i < this.n; i++) sum += this.values[g * this.n + i];
    return sum / this.n;
  }

  /** Return the shift of every gene in every sampled cell, and its mean summed size after each round. */
  run(levels) {
    const { n, values } = this;
    const start = new Float64Array(values.length);
    for (const [g, level] of levels) for (let i = 0; i < n; i++) start[g * n + i] = level - values[g * n + i];
    let shift = start;
    const growth = [total(shift) / n];
    for (let round = 0; round < this.rounds; round++) {
      shift = this.step(shift, start, levels);
      growth.push(total(shift) / n);
    }
    return { shift, growth };
  }

  step(shift, start, levels) {
    const { n, values } = this;
    const next = new Float64Array(shift.length);
    this.edges.forEach(({ source, target, weight }, code) => {
      const [first, last] = this.ranges[code];
      if (first < 0) return;
      for (let e = 0; e < source.length; e++) {
        const [from, to, w] = [source[e] * n, target[e] * n, weight[e]];
        for (let i = first; i < last; i++) next[to + i] += w * shift[from + i];
      }
    });
    for (const g of levels.keys()) {
      for (let i = g * n; i < (g + 1) * n; i++) next[i] = this.pin === "gene" || start[i] !== 0 ? start[i] : next[i];
    }
    for (let k = 0; k < next.length; k++) if (next[k] < -values[k]) next[k] = -values[k];
    return next;
  }

  /** Return the direction of every cell on the embedding: unit steps to its neighbours, weighted by how well they fit the shift. */
  direction(shift) {
    const { n, values, neighbors, n_neighbors: k } = this;
    const [sum, squares, way] = [new Float64Array(n), new Float64Array(n), new Float64Array(n * k)];
    for (let g = 0; g < this.genes.length; g++) {
      const change = shift.subarray(g * n, (g + 1) * n);
      const row = values.subarray(g * n, (g + 1) * n);
      for (let i = 0; i < n; i++) {
        const value = change[i];
        if (value === 0) continue;
        const own = row[i];
        sum[i] += value;
        squares[i] += value * value;
        for (let s = i * k, end = s + k; s < end; s++) way[s] += value * (row[neighbors[s]] - own);
      }
    }
    const [u, v] = [new Float64Array(n), new Float64Array(n)];
    for (let i = 0; i < n; i++) this.point(i, way, sum, squares, u, v);
    return { u, v };
  }

  point(i, way, sum, squares, u, v) {
    const k = this.n_neighbors;
    const mean = sum[i] / this.n_genes;
    const length = Math.sqrt(Math.max(0, squares[i] - this.n_genes * mean * mean));
    let [all, wu, wv, pu, pv] = [0, 0, 0, 0, 0];
    for (let s = i * k; s < (i + 1) * k; s++) {
      const j = this.neighbors[s];
      const scale = length * this.distances[s];
      const centred = way[s] - mean * this.n_genes * (this.row_mean[j] - this.row_mean[i]);
      const weight = Math.exp((scale > 0 ? centred / scale : 1) / this.sigma);
      const [dx, dy] = [this.x[j] - this.x[i], this.y[j] - this.y[i]];
      const far = Math.hypot(dx, dy) || 1;
      all += weight;
      wu += (weight * dx) / far;
      wv += (weight * dy) / far;
      pu += dx / far;
      pv += dy / far;
    }
    u[i] = wu / all - pu / k;
    v[i] = wv / all - pv / k;
  }

  /** Return the mean shift of every gene over the cells of one group, or of all. */
  means(shift, code = null) {
    const [first, last] = code === null ? [0, this.n] : this.ranges[code];
    const made = new Float64Array(this.genes.length);
    for (let g = 0; g < made.length; g++) {
      for (let i = first; i < last; i++) made[g] += shift[g * this.n + i];
      made[g] /= Math.max(1, last - first);
    }
    return made;
  }

  /** Return, in words, every condition for trusting the answer that does not hold. */
  checks(levels, shift, growth) {
    const { n } = this;
    const found = [];
    for (const [g, level] of levels) {
      if (level > this.high[g]) found.push(`${this.genes[g]} is set to ${number(level)}, and cells show ${number(this.low[g])} to ${number(this.high[g])}.`);
      const silent = this.groups.filter((_, code) => {
        const [first, last] = this.ranges[code];
        return first >= 0 && !this.values.subarray(g * n + first, g * n + last).some((value) => value !== 0);
      });
      if (silent.length) found.push(`${this.genes[g]} is not expressed in ${silent.join(", ")}: a knock-out does nothing there.`);
    }
    const out = this.outside(levels, shift);
    if (out.count) found.push(`${number(out.count)} genes leave their observed range far or in most cells; ${out.worst} by ${number(100 * out.by)} % of it. The network is asked about states that no cell showed.`);
    const [before, after] = growth.slice(-2);
    if (before > 0 && after > GROWING * before) found.push(`The shift still grows with every step (${growth.map((one) => number(one)).join(", ")}): read the direction alone.`);
    return found;
  }

  outside(levels, shift) {
    const { n, values } = this;
    let [count, by, worst] = [0, 0, ""];
    for (let g = 0; g < this.genes.length; g++) {
      if (levels.has(g)) continue;
      const span = this.high[g] > this.low[g] ? this.high[g] - this.low[g] : 1;
      let [far, cells] = [0, 0];
      for (let i = g * n; i < (g + 1) * n; i++) {
        if (shift[i] === 0) continue;
        const value = values[i] + shift[i];
        const past = Math.max(this.low[g] - value, value - this.high[g]);
        // What is stored in two bytes is known to less than this.
        if (past > 1e-4 * span) {
          cells++;
          far = Math.max(far, past);
        }
      }
      const share = far / span;
      if (share > FAR || cells / n > MANY) {
        count++;
        if (share > by) [by, worst] = [share, this.genes[g]];
      }
    }
    return { count, by, worst };
  }
}

function total(values) {
  let sum = 0;
  for (const value of values) sum += Math.abs(value);
  return sum;
}
