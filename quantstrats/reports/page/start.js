// What happens when the page opens, is printed, and gets other colours.
startTheme(drawAll);
startChoosers();
document.querySelectorAll("figure.log").forEach(startLog);
window.addEventListener("beforeprint", () => { printing.now = true; drawAll(); });
window.addEventListener("afterprint", () => { printing.now = false; drawAll(); });
loadPlotly().then(drawAll).then(() => { document.documentElement.dataset.ready = "true"; });
