/* A plot that can be moved and enlarged by mouse, touch and keyboard, with a canvas for points and one for what lies over them. */

const PAD = 0.04;

class Frame {
  /** Make a plot named `label` of data that reach over `extent`, in units of the longer side. */
  constructor(label, extent) {
    this.extent = extent;
    // As tall as the data are, within bounds.
    const tall = Math.min(1, Math.max(0.62, extent[1] / extent[0] + 0.06));
    this.view = { x: extent[0] / 2, y: extent[1] / 2, zoom: 1 };
    this.points = h("canvas", { class: "points", "aria-hidden": "true" });
    this.over = h("canvas", {
      class: "over", tabindex: 0, role: "img",
      "aria-label": `${label}. Arrow keys move, plus and minus zoom, 0 shows everything.`,
    });
    this.hint = h("div", { class: "tip", hidden: true });
    this.node = h("div", { class: "frame" }, this.points, this.over, this.hint);
    this.node.style.setProperty("--tall", tall);
    this.painters = [];
    this.linked = [];
    this.redraw = framed(() => this.paint());
    new ResizeObserver(() => this.resize()).observe(this.node);
    hear("theme", () => this.redraw());
    this.listen();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.node;
    if (!width || !height) return;
    this.ratio = Math.min(window.devicePixelRatio || 1, 2);
    for (const canvas of [this.points, this.over]) {
      canvas.width = Math.round(width * this.ratio);
      canvas.height = Math.round(height * this.ratio);
    }
    this.paint();
  }

  /** Pixels for one unit of the data. */
  get scale() {
    const room = 1 - 2 * PAD;
    const fit = Math.min(this.node.clientWidth / this.extent[0], this.node.clientHeight / this.extent[1]);
    return fit * room * this.view.zoom;
  }

  toScreen(x, y) {
    return [
      this.node.clientWidth / 2 + (x - this.view.x) * this.scale,
      this.node.clientHeight / 2 - (y - this.view.y) * this.scale,
    ];
  }

  toData(x, y) {
    return [
      this.view.x + (x - this.node.clientWidth / 2) / this.scale,
      this.view.y - (y - this.node.clientHeight / 2) / this.scale,
    ];
  }

  paint() {
    if (!this.over.width || !this.node.clientWidth) return;
    const pen = this.over.getContext("2d");
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, this.node.clientWidth, this.node.clientHeight);
    for (const painter of this.painters) painter(pen, this);
  }

  move(change) {
    Object.assign(this.view, change);
    this.view.zoom = Math.min(Math.max(this.view.zoom, 0.5), 60);
    for (const one of [this, ...this.linked]) {
      Object.assign(one.view, this.view);
      one.redraw();
    }
  }

  zoom(factor, at = null) {
    const [x, y] = at ? this.toData(...at) : [this.view.x, this.view.y];
    const zoom = Math.min(Math.max(this.view.zoom * factor, 0.5), 60);
    const real = zoom / this.view.zoom;
    this.move({ x: x + (this.view.x - x) / real, y: y + (this.view.y - y) / real, zoom });
  }

  reset() {
    this.move({ x: this.extent[0] / 2, y: this.extent[1] / 2, zoom: 1 });
  }

  listen() {
    const held = new Map();
    const at = (event) => {
      const box = this.over.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    this.over.addEventListener("pointerdown", (event) => {
      held.set(event.pointerId, at(event));
      this.over.setPointerCapture(event.pointerId);
      this.dragged = 0;
    });
    this.over.addEventListener("pointermove", (event) => {
      const here = at(event);
      if (!held.has(event.pointerId)) {
        if (this.onhover) this.onhover(here);
        return;
      }
      const before = held.get(event.pointerId);
      const others = [...held].filter(([id]) => id !== event.pointerId);
      held.set(event.pointerId, here);
      const [dx, dy] = [here[0] - before[0], here[1] - before[1]];
      this.dragged += Math.hypot(dx, dy);
      if (others.length) {
        const [, fixed] = others[0];
        const far = (spot) => Math.hypot(spot[0] - fixed[0], spot[1] - fixed[1]) || 1;
        this.zoom(far(here) / far(before), fixed);
      } else this.move({ x: this.view.x - dx / this.scale, y: this.view.y + dy / this.scale });
    });
    for (const name of ["pointerup", "pointercancel"]) {
      this.over.addEventListener(name, (event) => {
        if (name === "pointerup" && held.has(event.pointerId) && this.dragged < 4 && this.onpick) this.onpick(at(event));
        held.delete(event.pointerId);
      });
    }
    this.over.addEventListener("pointerleave", () => this.tip(null));
    this.over.addEventListener("wheel", (event) => {
      // The page scrolls past a plot; a plot that was chosen, or a pressed Ctrl, zooms.
      if (!event.ctrlKey && document.activeElement !== this.over) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 400), at(event));
    }, { passive: false });
    this.over.addEventListener("dblclick", (event) => this.zoom(2, at(event)));
    this.over.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const step = 60 / this.scale;
    const moves = {
      ArrowLeft: () => this.move({ x: this.view.x - step }),
      ArrowRight: () => this.move({ x: this.view.x + step }),
      ArrowUp: () => this.move({ y: this.view.y + step }),
      ArrowDown: () => this.move({ y: this.view.y - step }),
      "+": () => this.zoom(1.4),
      "=": () => this.zoom(1.4),
      "-": () => this.zoom(1 / 1.4),
      "0": () => this.reset(),
    };
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    moves[event.key]();
  }

  /** Show a short text at a place on the screen, or hide it. */
  tip(text, at = [0, 0]) {
    this.hint.hidden = text === null;
    if (text === null) return;
    this.hint.textContent = text;
    const right = at[0] > this.node.clientWidth * 0.6;
    this.hint.style.setProperty("transform", `translate(${at[0] + (right ? -12 : 12)}px, ${at[1] - 10}px) translate(${right ? "-100%" : "0"}, -50%)`);
  }

  /** Buttons for those who use none of the above. */
  buttons() {
    const make = (text, label, act) => h("button", { type: "button", class: "quiet square", "aria-label": label, title: label, text, on: { click: act } });
    return h("div", { class: "zoom", role: "group", "aria-label": "View" },
      make("+", "Zoom in", () => this.zoom(1.5)),
      make("\u2212", "Zoom out", () => this.zoom(1 / 1.5)),
      make("\u2922", "Show everything", () => this.reset()));
  }
}
