/* Temporal modules: their mean curves and when they respond. */

function temporalPanel(data) {
  const { modules } = data.temporal;
  return [h("p", { class: "lead", text: `${number(modules.length)} modules.` })];
}
