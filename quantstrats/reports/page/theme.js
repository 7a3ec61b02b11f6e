// The page's colours: as the system wants them, until the reader says otherwise; on paper always light.
const darkWanted = window.matchMedia("(prefers-color-scheme: dark)");
const printing = { now: false };

function isDark() {
  if (printing.now) return false;
  const asked = document.documentElement.dataset.theme;
  return asked ? asked === "dark" : darkWanted.matches;
}

function plotTemplate() {
  const style = getComputedStyle(document.documentElement);
  const color = (name, light) => (printing.now ? light : style.getPropertyValue(name).trim());
  const soft = color("--soft", "#5a6675"), grid = color("--grid", "#e6e9ee"), panel = color("--panel", "#ffffff");
  const ink = color("--ink", "#1b2430");
  const axis = {
    gridcolor: grid, zerolinecolor: grid, linecolor: grid, tickcolor: grid, automargin: true,
    tickfont: { size: 11 }, title: { font: { size: 11 } },
  };
  return {
    layout: {
      font: { family: getComputedStyle(document.body).fontFamily, color: soft, size: 12 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      xaxis: axis, yaxis: axis,
      hoverlabel: { bgcolor: panel, bordercolor: grid, font: { color: ink, size: 12 } },
      legend: { orientation: "h", x: 0, y: 1.01, xanchor: "left", yanchor: "bottom", font: { size: 11 } },
      margin: { l: 8, r: 8, t: 8, b: 8 },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: soft, activecolor: ink },
    },
  };
}

function startTheme(redraw) {
  const button = document.querySelector("button.theme");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => {
      document.documentElement.dataset.theme = isDark() ? "light" : "dark";
      redraw();
    });
  }
  darkWanted.addEventListener("change", redraw);
}
