/* A field to pick one of many by typing: the pattern of the ARIA guide, with the list below the field. */

const MOST_SHOWN = 60;

class Combobox {
  /** `options` are {value, label, kind}; `pick` is called with the one that was chosen. */
  constructor({ label, options, pick, value = null, placeholder = "Type to search" }) {
    Object.assign(this, { options, pick, chosen: null, active: -1, matches: [] });
    const [field, list] = [newId("field"), newId("list")];
    this.input = h("input", {
      id: field, type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", placeholder,
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list,
      on: {
        input: () => this.open(this.input.value),
        focus: () => this.input.select(),
        click: () => this.open(""),
        keydown: (event) => this.key(event),
        blur: () => setTimeout(() => this.close(), 120),
      },
    });
    this.list = h("ul", { id: list, role: "listbox", "aria-label": label, hidden: true });
    this.node = h("div", { class: "combobox" }, h("label", { for: field, text: label }), this.input, this.list);
    if (value !== null) this.set(value);
  }

  /** Show a choice without calling back. */
  set(value) {
    this.chosen = this.options.find((one) => one.value === value) || null;
    this.input.value = this.chosen ? this.chosen.label : "";
  }

  open(text) {
    const wanted = text.trim().toLowerCase();
    const all = wanted ? this.options.filter((one) => one.label.toLowerCase().includes(wanted)) : this.options;
    const rank = (one) => (one.label.toLowerCase().startsWith(wanted) ? 0 : 1);
    this.matches = (wanted ? [...all].sort((a, b) => rank(a) - rank(b)) : all).slice(0, MOST_SHOWN);
    const more = all.length - this.matches.length;
    let kind = null;
    const rows = [];
    this.matches.forEach((one, i) => {
      if (one.kind && one.kind !== kind && !wanted) {
        kind = one.kind;
        rows.push(h("li", { role: "presentation", class: "kind", text: kind }));
      }
      rows.push(h("li", {
        id: `${this.list.id}-${i}`, role: "option", "aria-selected": String(one === this.chosen),
        on: { pointerdown: (event) => { event.preventDefault(); this.choose(i); } },
      }, h("span", { text: one.label }), wanted && one.kind ? h("small", { text: one.kind }) : null));
    });
    if (!rows.length) rows.push(h("li", { role: "presentation", class: "kind", text: "nothing of that name" }));
    if (more > 0) rows.push(h("li", { role: "presentation", class: "kind", text: `and ${number(more)} more: type to narrow down` }));
    put(this.list, rows);
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.mark(wanted && this.matches.length ? 0 : this.matches.indexOf(this.chosen));
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.input.value = this.chosen ? this.chosen.label : "";
  }

  mark(i) {
    this.active = i;
    for (const row of this.list.querySelectorAll(".active")) row.classList.remove("active");
    if (i < 0) return;
    const row = document.getElementById(`${this.list.id}-${i}`);
    row.classList.add("active");
    // scrollIntoView would move the page as well.
    if (row.offsetTop < this.list.scrollTop) this.list.scrollTop = row.offsetTop;
    const end = row.offsetTop + row.offsetHeight - this.list.clientHeight;
    if (end > this.list.scrollTop) this.list.scrollTop = end;
    this.input.setAttribute("aria-activedescendant", row.id);
  }

  choose(i) {
    const one = this.matches[i];
    if (!one) return;
    this.chosen = one;
    this.close();
    this.pick(one);
  }

  key(event) {
    const last = this.matches.length - 1;
    const acts = {
      ArrowDown: () => (this.list.hidden ? this.open("") : this.mark(Math.min(last, this.active + 1))),
      ArrowUp: () => (this.list.hidden ? this.open("") : this.mark(Math.max(0, this.active - 1))),
      Enter: () => (this.list.hidden ? this.open("") : this.choose(this.active)),
      Escape: () => this.close(),
    };
    if (!(event.key in acts)) return;
    event.preventDefault();
    acts[event.key]();
  }
}

/** Return a labelled drop-down of a few choices. */
function dropdown(label, choices, pick, value) {
  const id = newId("select");
  const select = h("select", { id, on: { change: () => pick(select.value) } },
    choices.map((one) => h("option", { value: one.value ?? one, text: one.label ?? one, selected: (one.value ?? one) === value })));
  return h("div", { class: "field" }, h("label", { for: id, text: label }), select);
}
