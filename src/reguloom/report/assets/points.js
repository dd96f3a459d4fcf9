/* Points by the million: WebGL where there is any, a plain canvas elsewhere. A byte for each point picks its colour from a table. */

const VERTEX = `
attribute vec2 place; attribute float value;
uniform vec2 centre; uniform vec2 scale; uniform mediump float size; uniform float raise;
varying float shade;
void main() {
  shade = value;
  gl_Position = vec4((place - centre) * scale, raise * (0.5 - value), 1.0);
  gl_PointSize = size;
}`;
const FRAGMENT = `
precision mediump float;
uniform sampler2D table; uniform mediump float size;
varying float shade;
void main() {
  float far = length(gl_PointCoord - 0.5) * size;
  float cover = clamp(size * 0.5 - far, 0.0, 1.0);
  vec4 color = texture2D(table, vec2((shade * 255.0 + 0.5) / 256.0, 0.5));
  float alpha = color.a * (size < 2.5 ? 1.0 : cover);
  if (alpha < 0.35) discard;
  gl_FragColor = vec4(color.rgb * alpha, alpha);
}`;

class Points {
  /** Draw points at `x`, `y` (whole numbers, 65535 is one unit) under everything else in a frame. */
  constructor(frame, x, y) {
    Object.assign(this, { frame, x, y, n: x.length, values: new Uint8Array(x.length), table: new Uint8Array(1024), raise: false, grow: 1 });
    this.gl = new URLSearchParams(location.search).has("canvas") ? null : this.start();
    if (!this.gl) this.renew();
    frame.node.dataset.drawn = this.gl ? "webgl" : "canvas";
    frame.painters.unshift(() => (this.gl ? this.drawFast() : this.drawPlain()));
  }

  /** A canvas that was asked for WebGL draws nothing else: take a new one for plain drawing. */
  renew() {
    const fresh = this.frame.points.cloneNode();
    this.frame.points.replaceWith(fresh);
    this.frame.points = fresh;
  }

  start() {
    const gl = this.frame.points.getContext("webgl", { antialias: false, preserveDrawingBuffer: true, premultipliedAlpha: true });
    if (!gl) return null;
    const program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null;
    gl.useProgram(program);
    const both = new Uint16Array(2 * this.n);
    for (let i = 0; i < this.n; i++) {
      both[2 * i] = this.x[i];
      both[2 * i + 1] = this.y[i];
    }
    this.bind(gl, program, "place", both, 2, gl.UNSIGNED_SHORT);
    this.buffer = this.bind(gl, program, "value", this.values, 1, gl.UNSIGNED_BYTE);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const name of ["MIN_FILTER", "MAG_FILTER"]) gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${name}`], gl.NEAREST);
    for (const name of ["WRAP_S", "WRAP_T"]) gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${name}`], gl.CLAMP_TO_EDGE);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.depthFunc(gl.LEQUAL);
    this.at = Object.fromEntries(["centre", "scale", "size", "raise"].map((name) => [name, gl.getUniformLocation(program, name)]));
    this.frame.points.addEventListener("webglcontextlost", (event) => event.preventDefault());
    this.frame.points.addEventListener("webglcontextrestored", () => {
      this.gl = this.start();
      this.color(this.values, this.table, this.raise);
    });
    return gl;
  }

  bind(gl, program, name, data, size, kind) {
    const buffer = gl.createBuffer();
    const at = gl.getAttribLocation(program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, kind, true, 0, 0);
    return buffer;
  }

  /** Colour the points by bytes and a table of 256 colours; with `raise`, high bytes lie on top. */
  color(values, table, raise) {
    Object.assign(this, { values, table, raise });
    if (this.gl) {
      const gl = this.gl;
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, table);
    }
    this.order = null;
    this.frame.redraw();
  }

  /** Width of a point in pixels of the screen: smaller for many points, larger when zoomed in. */
  get size() {
    const room = Math.min(this.frame.node.clientWidth, this.frame.node.clientHeight);
    const base = Math.max(1.1, Math.min(7, (room * 0.72) / Math.sqrt(this.n)));
    return Math.min(14, base * this.grow * this.frame.view.zoom ** 0.5);
  }

  drawFast() {
    const { gl, frame } = this;
    const { width, height } = frame.points;
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl[this.raise ? "enable" : "disable"](gl.DEPTH_TEST);
    gl.uniform2f(this.at.centre, frame.view.x, frame.view.y);
    gl.uniform2f(this.at.scale, (2 * frame.scale * frame.ratio) / width, (2 * frame.scale * frame.ratio) / height);
    gl.uniform1f(this.at.size, this.size * frame.ratio);
    gl.uniform1f(this.at.raise, this.raise ? 1 : 0);
    gl.drawArrays(gl.POINTS, 0, this.n);
  }

  drawPlain() {
    const { frame } = this;
    const pen = frame.points.getContext("2d");
    pen.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
    pen.clearRect(0, 0, frame.node.clientWidth, frame.node.clientHeight);
    this.order ||= this.raise ? sortedByByte(this.values) : null;
    const half = this.size / 2;
    const { scale } = frame;
    const [left, top] = frame.toScreen(0, 0);
    let last = -1;
    for (let k = 0; k < this.n; k++) {
      const i = this.order ? this.order[k] : k;
      const value = this.values[i];
      if (value !== last) {
        const [r, g, b, a] = this.table.subarray(4 * value, 4 * value + 4);
        pen.fillStyle = `rgba(${r},${g},${b},${a / 255})`;
        last = value;
      }
      pen.fillRect(left + (this.x[i] / 65535) * scale - half, top - (this.y[i] / 65535) * scale - half, this.size, this.size);
    }
  }

  /** Return the point nearest to a place on the screen, or -1 if none is near. */
  nearest(at) {
    this.index ||= new Nearest(this.x, this.y);
    const [x, y] = this.frame.toData(...at);
    return this.index.find(x * 65535, y * 65535, (12 / this.frame.scale) * 65535);
  }
}

/** Return positions in the order of their bytes, lowest first. */
function sortedByByte(values) {
  const start = new Uint32Array(257);
  for (const value of values) start[value + 1]++;
  for (let i = 0; i < 256; i++) start[i + 1] += start[i];
  const order = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) order[start[values[i]]++] = i;
  return order;
}

class Nearest {
  /** Sort points into the squares of a grid of 256 x 256. */
  constructor(x, y) {
    Object.assign(this, { x, y });
    const key = (i) => (y[i] >> 8) * 256 + (x[i] >> 8);
    this.start = new Uint32Array(65537);
    for (let i = 0; i < x.length; i++) this.start[key(i) + 1]++;
    for (let i = 0; i < 65536; i++) this.start[i + 1] += this.start[i];
    const next = this.start.slice();
    this.members = new Uint32Array(x.length);
    for (let i = 0; i < x.length; i++) this.members[next[key(i)]++] = i;
  }

  find(x, y, radius) {
    let best = -1;
    let least = radius * radius;
    const clamp = (value) => Math.min(255, Math.max(0, value >> 8));
    for (let row = clamp(y - radius); row <= clamp(y + radius); row++) {
      for (let column = clamp(x - radius); column <= clamp(x + radius); column++) {
        const square = row * 256 + column;
        for (let k = this.start[square]; k < this.start[square + 1]; k++) {
          const i = this.members[k];
          const far = (this.x[i] - x) ** 2 + (this.y[i] - y) ** 2;
          if (far < least) [best, least] = [i, far];
        }
      }
    }
    return best;
  }
}
