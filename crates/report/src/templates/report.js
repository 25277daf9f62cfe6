
// One slider for the layer of the heat map and of the strips; the chart over all layers marks it.
const slider = document.getElementById("layer");
function showLayer() {
  const layer = Number(slider.value);
  const { "heat-map": heatMap, strip, projections } = data.charts;
  document.getElementById("layer-number").textContent = slider.value;
  // Written into the data, so that a redraw in other colours keeps the layer.
  if (heatMap) { heatMap.data[0].z = heatMap.matrices[layer]; }
  strip.data.forEach((trace, index) => { trace.x = strip.positions[layer][index]; });
  for (const shape of projections.layout.shapes) { shape.x0 = shape.x1 = layer; }
  if (heatMap) { Plotly.restyle("heat-map", { z: [heatMap.matrices[layer]] }); }
  Plotly.restyle("strip", { x: strip.positions[layer] });
  Plotly.relayout("projections", { "shapes[0].x0": layer, "shapes[0].x1": layer });
}
slider.addEventListener("input", showLayer);
if (Number(slider.value) !== Number(slider.defaultValue)) { showLayer(); }

// The filters hide what doesn't match; beside a steered column the unsteered one stays, to be compared with.
const filters = ["set", "prompt", "coefficient"].map((name) => document.getElementById(`filter-${name}`));
function showMatches() {
  const [set, prompt, coefficient] = filters.map((filter) => filter.value);
  let any = false;
  for (const group of document.querySelectorAll(".set")) {
    let matches = 0;
    for (const card of group.querySelectorAll(".card")) {
      const columns = [...card.querySelectorAll(".column")];
      for (const column of columns) {
        const own = column.dataset.coefficient;
        column.hidden = Boolean(coefficient && own && own !== coefficient);
      }
      const isSteered = !coefficient || columns.some((column) => column.dataset.coefficient === coefficient);
      card.hidden = Boolean(prompt && card.dataset.prompt !== prompt) || !isSteered;
      matches += card.hidden ? 0 : 1;
    }
    group.hidden = Boolean(set && group.dataset.set !== set) || matches === 0;
    any = any || !group.hidden;
  }
  document.getElementById("nothing").hidden = any;
}
if (filters.every(Boolean)) {
  // All texts at once are too much to begin with: the first steered set shows what the vector does.
  const steered = filters[0].querySelector("option[data-steered]");
  if (steered) { filters[0].value = steered.value; }
  for (const filter of filters) { filter.addEventListener("change", showMatches); }
  showMatches();
}
