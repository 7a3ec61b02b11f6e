// What happens when the page opens, is printed, and gets other colours.
const redrawAll = () => { if (typeof Plotly !== "undefined") drawAll(); };
startTheme(redrawAll);
startChoosers();
document.querySelectorAll("figure.log").forEach(startLog);
window.addEventListener("beforeprint", () => { printing.now = true; drawAll(); });
window.addEventListener("afterprint", () => { printing.now = false; drawAll(); });
drawAll().then(() => { document.documentElement.dataset.ready = "true"; });
