// Charts: drawn from the page's data, in the page's colours.
const chartData = JSON.parse(document.getElementById("chart-data").textContent);
const PAPER_WIDTH = 680; // pixels that fit on a sheet of A4 or letter
const CONFIG = {
  responsive: true,
  displaylogo: false,
  showSendToCloud: false, // nothing leaves the page
  plotlyServerURL: "",
  // Without a pointer that can hover, its buttons would always lie over the chart.
  displayModeBar: window.matchMedia("(hover: hover)").matches ? "hover" : false,
  modeBarButtonsToRemove: ["lasso2d", "select2d"],
};

// plotly's script stands in the page packed, which makes the page half as large.
async function loadPlotly() {
  if (typeof DecompressionStream === "undefined") {
    for (const plot of document.querySelectorAll(".plot")) plot.textContent = "This browser is too old to draw charts.";
    return;
  }
  const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (c) => c.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(unpacked).text();
  document.head.append(script);
}

function withTimes(value) {
  if (Array.isArray(value)) return value.map(withTimes);
  if (value === null || typeof value !== "object" || "bdata" in value) return value;
  if ("times" in value) return chartData.times[value.times];
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withTimes(item)]));
}

function draw(plot) {
  if (!window.Plotly) return undefined;
  const chart = chartData.charts[Number(plot.dataset.chart)];
  const layout = structuredClone(chart.layout);
  layout.template = plotTemplate();
  layout.uirevision = plot.dataset.chart;
  layout.autosize = true;
  if (printing.now) layout.width = PAPER_WIDTH;
  const scale = plot.closest("figure").querySelector("[data-scale]");
  if (scale && scale.checked) layout.yaxis = { ...layout.yaxis, type: "log", tickformat: undefined, dtick: undefined };
  const traces = chart.traces.map(withTimes);
  for (const trace of traces) {
    // Half of a cell's colour is the page's, which plotly does not know when it chooses the text's.
    if (trace.type === "heatmap") trace.textfont = { ...trace.textfont, color: layout.template.layout.hoverlabel.font.color };
  }
  return Plotly.react(plot, traces, layout, CONFIG);
}

function drawAll() {
  return Promise.all([...document.querySelectorAll(".plot")].map(draw));
}

function startChoosers() {
  for (const figure of document.querySelectorAll(".chooser")) {
    const choice = figure.querySelector("select"), plot = figure.querySelector(".plot");
    const note = figure.querySelector(".note");
    const choose = () => {
      plot.dataset.chart = choice.value;
      note.textContent = choice.selectedOptions[0].dataset.note;
    };
    choose();
    choice.addEventListener("change", () => { choose(); draw(plot); });
  }
  for (const scale of document.querySelectorAll("[data-scale]")) {
    scale.addEventListener("change", () => draw(scale.closest("figure").querySelector(".plot")));
  }
}
