
const slider = document.getElementById("layer");
const layerNumber = document.getElementById("layer-number");
const everyLens = document.getElementById("lens-all");

// Puts a layer's data into a chart that shows one, or its mark into one that goes over all. True where that changed anything.
function setLayer(chart, layer) {
  if (chart.packed) { chart.data[0].z = matrix(chart.packed, layer); }
  if (chart.positions) { chart.data.forEach((trace, index) => { trace.x = chart.positions[layer][index]; }); }
  if (chart.places) {
    chart.data.forEach((trace, index) => { [trace.x, trace.y] = chart.places[layer][index]; });
    [chart.layout.xaxis.title, chart.layout.yaxis.title] = chart.titles[layer].map((text) => ({ text }));
  }
  if (chart.mark !== undefined) {
    const mark = { ...chart.layout.shapes[chart.mark], x0: layer, x1: layer };
    chart.layout.shapes = chart.layout.shapes.map((shape, index) => (index === chart.mark ? mark : shape));
  }
  return Boolean(chart.packed || chart.positions || chart.places || chart.mark !== undefined);
}

function showLayer() {
  const layer = Number(slider.value);
  layerNumber.textContent = layer;
  slider.setAttribute("aria-valuetext", `Layer ${layer}`);
  for (const [id, chart] of Object.entries(data.charts)) {
    if (setLayer(chart, layer)) { drawChart(id); }
  }
  for (const row of document.querySelectorAll("#lens-table [data-layer]")) {
    const isOwn = Number(row.dataset.layer) === layer;
    row.hidden = !isOwn && !everyLens.checked;
    row.classList.toggle("now", isOwn && everyLens.checked);
  }
}

// Dragging asks more often than a large heat map can be drawn.
let isAsked = false;
slider.addEventListener("input", () => {
  if (isAsked) { return; }
  isAsked = true;
  requestAnimationFrame(() => { isAsked = false; showLayer(); });
});
if (everyLens) { everyLens.addEventListener("change", showLayer); }
// A browser that goes back to the page may bring the slider's place along.
if (Number(slider.value) !== Number(slider.defaultValue)) { showLayer(); }

// The filters hide what doesn't match; next to a steered column the unsteered one stays for comparison.
const filters = ["set", "prompt", "coefficient", "layer"].map((name) => document.getElementById(`filter-${name}`));
function showMatches() {
  const [set, prompt, coefficient, layer] = filters.map((filter) => filter.value);
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
    const isOther = Boolean(set && group.dataset.set !== set) || Boolean(layer && group.dataset.layer !== layer);
    group.hidden = isOther || matches === 0;
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

// A saved figure is for paper: dark on white, whatever the page is.
function save(button) {
  const { chart: id, format } = button.dataset;
  const chart = data.charts[id];
  const box = document.getElementById(id).getBoundingClientRect();
  const [width, height] = [Math.max(box.width, 600), box.height].map(Math.round);
  const white = { paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff" };
  const figure = { data: chart.data, layout: { ...withColours(chart.layout, LIGHT), ...white, width, height } };
  const name = (document.querySelector("main").dataset.pipeline + "-" + id).replace(/[^\w.-]+/g, "-");
  Plotly.downloadImage(figure, { format, width, height, scale: format === "png" ? 2 : 1, filename: name });
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-chart]");
  if (button) { save(button); }
});

// On paper nothing can be unfolded.
let unfolded = [];
window.addEventListener("beforeprint", () => {
  unfolded = [...document.querySelectorAll("details:not([open])")];
  for (const details of unfolded) { details.open = true; }
});
window.addEventListener("afterprint", () => {
  for (const details of unfolded) { details.open = false; }
});
