/* Checks and warnings, and how everything was made. */

const LEVELS = { warning: "Warning", note: "Note", ok: "Passed" };

function checksPanel(data) {
  const order = Object.keys(LEVELS);
  const list = [...data.checks].sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  const lines = list.map((one) => h("li", { class: `is-${one.level}` }, h("span", { class: "tag", text: LEVELS[one.level] }), h("span", {}, h("strong", { text: one.where }), ` ${one.text}`)));
  const notes = data.empty.map((one) => h("li", {}, h("span", { class: "tag", text: "Not here" }), h("span", {}, h("strong", { text: one.name }), ` ${one.text} `, h("code", { text: one.command }))));
  return [
    h("p", { class: "lead", text: "What was warned of on the way, what this report leaves out, and what would fill the panels that are not here." }),
    lines.length ? h("ul", { class: "log" }, lines) : h("p", { class: "fine", text: "Nothing was warned of." }),
    notes.length ? [h("h3", { text: "Panels without data" }), h("ul", { class: "log" }, notes)] : null,
  ];
}

function recordPanel(data) {
  const record = data.record;
  const pairs = (values) => h("dl", {}, Object.entries(values).flatMap(([key, value]) => [h("dt", { text: key }), h("dd", { text: value === null ? "none" : String(value) })]));
  const fold = (title, small, inside) => h("details", {}, h("summary", {}, h("strong", { text: title }), small ? h("small", { text: small }) : null), inside);
  const stages = record.stages.map((one) => fold(one.method, [one.where, one.seed === null ? "nothing random" : `seed ${one.seed}`].join(", "), pairs(one.params)));
  const records = record.records.map((one) => {
    const names = [...new Set(one.rows.flatMap((row) => Object.keys(row)))];
    const [keys, rest] = [["stage", "seconds", "wall_s", "wall_seconds", "peak_mb", "peak_MB", "fingerprint"], []];
    names.forEach((name) => { if (!keys.includes(name)) rest.push(name); });
    const rows = one.rows.map((row) => fold(row.stage, keys.slice(1).filter((key) => row[key] !== undefined && key !== "fingerprint").map((key) => `${key.replace(/_/g, " ")} ${number(row[key])}`).join(", "), pairs(Object.fromEntries([...rest, "fingerprint"].filter((key) => row[key] !== undefined).map((key) => [key, row[key]])))));
    return [h("h3", { text: `Stages in ${one.folder}/${one.file}` }), rows, Object.keys(one.inputs).length ? fold("Inputs", "fingerprints", pairs(one.inputs)) : null];
  });
  return [
    h("div", { class: "columns" },
      h("div", {}, h("h3", { text: "Methods" }), stages.length ? stages : h("p", { class: "muted", text: "The data carry no record of how they were made." }), records, record.config ? [h("h3", { text: "Configuration" }), fold("run.resolved.toml", "", pairs(record.config))] : null),
      h("div", {}, h("h3", { text: "Versions" }), pairs(record.versions), h("h3", { text: "Please cite" }), record.citations.length ? h("ol", { class: "papers" }, record.citations.map((text) => h("li", { text }))) : h("p", { class: "muted", text: "No method is on record." }))),
    h("p", { class: "muted", text: `Report made by reguloom ${data.version}. Everything is inside this file; it asks nothing of the network.` }),
  ];
}
