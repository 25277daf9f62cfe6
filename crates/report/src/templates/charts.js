"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const isPhone = () => window.innerWidth < 640;

// A phone has its own gestures and no room for buttons.
function configuration() {
  const modeBarButtonsToRemove = ["lasso2d", "select2d", "autoScale2d"];
  return { responsive: true, displaylogo: false, displayModeBar: isPhone() ? false : "hover", modeBarButtonsToRemove };
}

// The charts say nothing of the colours of text and grid: those are the page's, light or dark.
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function forPage(layout) {
  const axis = (own) => ({ ...own, gridcolor: colour("--line"), linecolor: colour("--quiet") });
  const themed = {
    ...layout,
    font: { ...layout.font, color: colour("--ink") },
    hoverlabel: { bgcolor: colour("--panel"), bordercolor: colour("--line"), font: { color: colour("--ink") } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--quiet"), activecolor: colour("--ink") },
    xaxis: axis(layout.xaxis),
    yaxis: axis(layout.yaxis),
  };
  return isPhone() ? forPhone(themed) : themed;
}

// Small letters, the title on two lines, and the legend below, where it may take as many lines as it needs.
function forPhone(layout) {
  const title = layout.title && {
    ...layout.title,
    text: layout.title.text.replace(" Across ", "<br>Across "),
    font: { size: 14 },
    subtitle: { ...layout.title.subtitle, font: { size: 11 } },
  };
  const legend = { ...layout.legend, y: -0.22, yanchor: "top" };
  return { ...layout, title, legend, font: { ...layout.font, size: 11 }, margin: { ...layout.margin, l: 44, r: 8 } };
}

function drawCharts() {
  for (const [id, chart] of Object.entries(data.charts)) {
    Plotly.react(id, chart.data, forPage(chart.layout), configuration());
  }
}

drawCharts();
window.matchMedia("(max-width: 639px)").addEventListener("change", drawCharts);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);
