"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const configuration = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] };
const isNarrow = () => window.innerWidth < 640;

// The charts say nothing of the colours of text and grid: those are the page's, light or dark.
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function inPageColours(layout) {
  const axis = (own) => ({ ...own, gridcolor: colour("--line"), linecolor: colour("--quiet") });
  const themed = {
    ...layout,
    font: { ...layout.font, color: colour("--ink") },
    hoverlabel: { bgcolor: colour("--panel"), bordercolor: colour("--line"), font: { color: colour("--ink") } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--quiet"), activecolor: colour("--ink") },
    xaxis: axis(layout.xaxis),
    yaxis: axis(layout.yaxis),
  };
  if (isNarrow() && layout.title && layout.title.subtitle) {
    // One line of the title would be cut off on a phone.
    const half = layout.title.text.split(" Across ");
    themed.title = { ...layout.title, text: half.join("<br>Across "), font: { size: 14 }, subtitle: { ...layout.title.subtitle, font: { size: 11 } } };
  }
  return themed;
}

function drawCharts() {
  for (const [id, chart] of Object.entries(data.charts)) {
    Plotly.react(id, chart.data, inPageColours(chart.layout), configuration);
  }
}

drawCharts();
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);
