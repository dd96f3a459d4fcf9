/* A table that is searched and sorted; long ones show some rows first. */

const FIRST_ROWS = 15;

class Table {
  /**
   * `columns` are {key, label, title, digits, show, text}: `show(row)` makes the cell, `text` marks words.
   * `rows` are objects; `pick` is called with a row whose first cell was chosen.
   */
  constructor({ caption, columns, rows, pick = null, search = null, sort = null, mark = null }) {
    Object.assign(this, { columns, rows, pick, mark, limit: FIRST_ROWS, sorted: sort || { key: null, down: true }, words: "" });
    this.count = h("p", { class: "count", "aria-live": "polite" });
    this.body = h("tbody");
    this.heads = columns.map((column) => h("th", { scope: "col", class: column.text ? "" : "num" },
      h("button", { type: "button", class: "sort", title: column.title || "", on: { click: () => this.sortBy(column) } }, h("span", { text: column.label }), h("i", { "aria-hidden": "true" }))));
    this.table = h("table", {}, h("caption", { class: "hidden", text: caption }), h("thead", {}, h("tr", {}, this.heads)), this.body);
    this.more = h("button", { type: "button", class: "quiet more", on: { click: () => this.showAll() } });
    const id = newId("search");
    this.search = h("input", { id, type: "search", placeholder: search || "", autocomplete: "off", spellcheck: "false", on: { input: () => this.find(this.search.value) } });
    const field = search ? h("div", { class: "field wide" }, h("label", { for: id, text: "Search" }), this.search) : null;
    this.node = h("div", { class: "listing" }, search ? h("div", { class: "tools" }, field, this.count) : null, h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, this.table), this.more);
    this.draw();
  }

  sortBy(column) {
    const down = this.sorted.key === column.key ? !this.sorted.down : !column.text;
    this.sorted = { key: column.key, down };
    this.draw();
  }

  find(words) {
    this.words = words.trim().toLowerCase();
    this.draw();
  }

  showAll() {
    this.limit = this.limit === Infinity ? FIRST_ROWS : Infinity;
    this.draw();
  }

  get found() {
    const rows = this.words ? this.rows.filter((row) => this.columns.some((column) => String(row[column.key] ?? "").toLowerCase().includes(this.words))) : [...this.rows];
    const { key, down } = this.sorted;
    if (key === null) return rows;
    const missing = (value) => value === null || value === undefined || value === "";
    return rows.sort((a, b) => {
      const [x, y] = [a[key], b[key]];
      if (missing(x) || missing(y)) return missing(x) - missing(y);
      const order = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
      return down ? -order : order;
    });
  }

  draw() {
    const rows = this.found;
    this.columns.forEach((column, i) => {
      const mine = this.sorted.key === column.key;
      this.heads[i].setAttribute("aria-sort", mine ? (this.sorted.down ? "descending" : "ascending") : "none");
    });
    put(this.body, rows.slice(0, this.limit).map((row) => this.line(row)));
    if (!rows.length) put(this.body, h("tr", {}, h("td", { colspan: this.columns.length, class: "nothing", text: "Nothing matches." })));
    this.more.hidden = rows.length <= FIRST_ROWS;
    this.more.textContent = this.limit === Infinity ? "Show fewer" : `Show all ${number(rows.length)}`;
    this.count.textContent = rows.length === this.rows.length ? `${number(rows.length)} rows` : `${number(rows.length)} of ${number(this.rows.length)} rows`;
  }

  line(row) {
    const cells = this.columns.map((column, i) => {
      const value = row[column.key];
      let inside = column.show ? column.show(row) : column.text ? String(value ?? EMPTY) : number(value, column.digits);
      if (i === 0 && this.pick) inside = h("button", { type: "button", class: "link", on: { click: () => this.pick(row) } }, inside);
      return h(i === 0 ? "th" : "td", { class: column.text ? "" : "num", scope: i === 0 ? "row" : null }, inside);
    });
    return h("tr", { class: (this.mark && this.mark(row)) || "" }, cells);
  }
}

/** Return a bar with a number beside it, for the cell of a table. */
function meter(value, top, text = number(value), color = null) {
  const share = Number.isFinite(value) && top > 0 ? Math.max(0, Math.min(1, Math.abs(value) / top)) : 0;
  const bar = h("i", { css: { width: `${(100 * share).toFixed(1)}%` } });
  if (color) bar.style.setProperty("background", color);
  return h("span", { class: "meter" }, h("span", { class: "track", "aria-hidden": "true" }, bar), h("span", { text }));
}
