/* Tables of evaluations; baselines are marked, and stay in. */

function tablesPanel(data) {
  return data.tables.flatMap((one) => {
    const keys = one.columns.map((label, i) => ({ key: `c${i}`, label: label.replace(/_/g, " "), text: one.rows.some((row) => typeof row[i] === "string" && row[i] !== "") }));
    const rows = one.rows.map((row, k) => ({ ...Object.fromEntries(row.map((value, i) => [`c${i}`, value])), baseline: one.baseline[k] }));
    const columns = keys.map((column, i) => (i === 0 ? { ...column, show: (row) => [String(row[column.key] ?? EMPTY).replace(/ ?\(baseline\)$/, ""), row.baseline ? h("span", { class: "tag", text: "baseline" }) : null] } : column));
    const table = new Table({ caption: one.title, columns: columns.map((column) => column), rows, search: rows.length > 15 ? "Any word" : null, mark: (row) => (row.baseline ? "baseline" : "") });
    return [h("h3", { text: one.title }), h("p", { class: "muted", text: one.file }), table.node, one.left_out > 0 ? note(`${number(one.left_out)} rows are left out; the file has them.`) : null];
  });
}
