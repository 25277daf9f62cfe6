"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const isPhone = () => window.innerWidth < 640;
const paper = window.matchMedia("print");

// A phone has its own gestures and no room for buttons; pictures have their own buttons.
function configuration() {
  const modeBarButtonsToRemove = ["lasso2d", "select2d", "autoScale2d", "toImage"];
  return { responsive: true, displaylogo: false, displayModeBar: isPhone() ? false : "hover", modeBarButtonsToRemove };
}

// The charts don't set the colours of text and grid: those are the page's, light or dark, or those of paper.
const LIGHT = { ink: "#1d1f21", quiet: "#5c6166", line: "#d9d9d3", panel: "#f3f3ee" };
function colours() {
  const style = getComputedStyle(document.documentElement);
  const own = Object.keys(LIGHT).map((name) => [name, style.getPropertyValue(`--${name}`).trim()]);
  return paper.matches ? LIGHT : Object.fromEntries(own);
}

function withColours(layout, { ink, quiet, line, panel }) {
  const axis = (own) => ({ ...own, gridcolor: line, linecolor: quiet });
  return {
    ...layout,
    font: { ...layout.font, color: ink },
    hoverlabel: { bgcolor: panel, bordercolor: line, font: { color: ink } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: quiet, activecolor: ink },
    xaxis: axis(layout.xaxis),
    yaxis: axis(layout.yaxis),
  };
}

function forPage(layout, height) {
  const themed = { ...withColours(layout, colours()), uirevision: "as the reader left it" };
  return isPhone() || paper.matches ? forNarrow(themed, height) : themed;
}

// On phones and paper: small letters, the title on two lines, and the legend below, where it may take as many lines as it needs.
function forNarrow(layout, height) {
  const title = layout.title && {
    ...layout.title,
    text: layout.title.text.replace(" Across ", "<br>Across "),
    font: { size: 14 },
    subtitle: { ...layout.title.subtitle, font: { size: 11 } },
  };
  // Below the axis and its title, which are as high in a low chart as in a high one.
  const legend = { ...layout.legend, y: -70 / Math.max(height - 130, 100), yanchor: "top" };
  return { ...layout, title, legend, font: { ...layout.font, size: 11 }, margin: { ...layout.margin, l: 44, r: 8 } };
}

// A symmetric matrix from its packed lower triangle: 16 bits a number, the lower byte first; 65535 is none.
function matrix({ size, low, step, layers }, layer) {
  const bytes = Uint8Array.from(atob(layers[layer]), (letter) => letter.charCodeAt(0));
  const numbers = new DataView(bytes.buffer);
  const rows = Array.from({ length: size }, () => new Array(size));
  let place = 0;
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column <= row; column += 1) {
      const number = numbers.getUint16(2 * place, true);
      place += 1;
      rows[row][column] = rows[column][row] = number === 65535 ? null : low + number * step;
    }
  }
  return rows;
}

function drawChart(id) {
  const chart = data.charts[id];
  const { clientWidth, clientHeight } = document.getElementById(id);
  const width = paper.matches ? clientWidth : undefined;
  Plotly.react(id, chart.data, { ...forPage(chart.layout, clientHeight), width }, configuration());
}

function drawCharts() {
  Object.keys(data.charts).forEach(drawChart);
}

for (const chart of Object.values(data.charts)) {
  if (chart.packed) {
    chart.data[0].z = matrix(chart.packed, Number(document.getElementById("layer").defaultValue));
    chart.data[0].text = chart.names.map((row) => chart.names.map((column) => `${row}<br>${column}`));
  }
}
drawCharts();
window.matchMedia("(max-width: 639px)").addEventListener("change", drawCharts);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);
paper.addEventListener("change", drawCharts);
