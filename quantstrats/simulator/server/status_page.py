"""The status page itself: one file, without anything from elsewhere, that asks for its figures each second."""

from __future__ import annotations

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Simulated exchange</title>
<style>
:root {
  --ground: #f7f7f5; --card: #fff; --text: #1d2126; --quiet: #5b6470; --line: #dcdfe3;
  --good: #0b6b3a; --bad: #b3261e; --mark: #1f5fbf; --warn: #8a5a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171b; --card: #1c2026; --text: #e6e8eb; --quiet: #9aa4b0; --line: #323841;
    --good: #5fce92; --bad: #ff8a80; --mark: #8ab4ff; --warn: #e6b450;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 14px/1.45 system-ui, sans-serif; }
main { max-width: 1100px; margin: 0 auto; padding: 16px; }
header { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: baseline; margin-bottom: 12px; }
h1 { font-size: 18px; margin: 0; }
h2 { font-size: 14px; margin: 0 0 6px; overflow-wrap: anywhere; }
.wide + h2 { margin-top: 14px; }
#clock { font-size: 18px; font-variant-numeric: tabular-nums; }
#about, .note { color: var(--quiet); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 12px;
  margin-bottom: 12px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 3px 12px 3px 0; white-space: nowrap; border-bottom: 1px solid var(--line); }
tr:last-child td { border-bottom: 0; }
th { color: var(--quiet); font-weight: 500; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
td.free { white-space: normal; min-width: 14em; }
.figures { display: flex; flex-wrap: wrap; gap: 4px 28px; margin: 0 0 8px; }
.figures div { min-width: 8em; }
.figures dt { color: var(--quiet); }
.figures dd { margin: 0; font-size: 17px; font-variant-numeric: tabular-nums; }
@media (max-width: 640px) {
  main { padding: 8px; }
  section { padding: 8px; }
  /* Nothing is beyond the edge: cells break their lines instead. */
  th, td { white-space: normal; overflow-wrap: break-word; padding-right: 6px; font-size: 12px; vertical-align: top; }
  td.n { overflow-wrap: normal; }
  td.free { min-width: 0; }
}
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); } .mark { color: var(--mark); }
</style>
</head>
<body>
<main>
<header><h1>Simulated exchange</h1><span id="clock">connecting</span><span id="state"></span><span id="about"></span>
</header>
<p id="trouble" class="bad" role="alert" hidden></p>
<div id="accounts"></div>
<section><h2>Last fills <span id="fillcount" class="note"></span></h2><div id="fills" class="wide"></div></section>
<section><h2>Faults so far <span id="faultcount" class="note"></span></h2><div id="faults" class="wide"></div></section>
</main>
<script>
"use strict";
const at = id => document.getElementById(id);
const make = (name, text, kind) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
};
const grouped = (text, digits) => Number(text).toLocaleString("en-US",
  digits === undefined ? {maximumFractionDigits: 9} : {minimumFractionDigits: digits, maximumFractionDigits: digits});
const dollars = text => grouped(text, 2);
const price = text => Number(text).toLocaleString("en-US", {minimumFractionDigits: 2, maximumFractionDigits: 4});
// Columns: heading, value of a row, class.
const table = (columns, rows, none) => {
  if (!rows.length) return make("p", none, "note");
  const whole = make("table"), head = whole.createTHead().insertRow(), body = whole.createTBody();
  for (const [heading, , kind] of columns) head.append(make("th", heading, kind === "n" ? "n" : ""));
  for (const row of rows) {
    const line = body.insertRow();
    for (const [, value, kind, colour] of columns) {
      line.append(make("td", value(row), `${kind || ""} ${colour ? colour(row) : ""}`.trim()));
    }
  }
  return whole;
};
const put = (element, ...content) => element.replaceChildren(...content);
const sign = value => value > 0 ? "good" : value < 0 ? "bad" : "";
const side = row => row.side === "buy" ? "good" : "bad";
const POSITIONS = [["symbol", p => p.symbol], ["shares", p => grouped(p.qty), "n"],
  ["average", p => price(p.average), "n"], ["price", p => price(p.price), "n"],
  ["value", p => dollars(p.value), "n"], ["gain", p => dollars(p.gain), "n", p => sign(p.gain)]];
const ORDERS = [["submitted", o => o.at], ["", o => o.side, "", side], ["shares", o => o.qty, "n"],
  ["filled", o => grouped(o.filled), "n"], ["symbol", o => o.symbol], ["type", o => o.type],
  ["price", o => o.price], ["in force", o => o.tif],
  ["status", o => o.status + (o.halted ? ", halted" : "") + (o.foreign ? ", of another client" : "")]];
const FILLS = [["time", f => f.at], ["", f => f.side, "", side], ["shares", f => grouped(f.qty), "n"],
  ["symbol", f => f.symbol], ["price", f => price(f.price), "n"]];
const FAULTS = [["time", f => f.at], ["fault", f => f.fault, "", () => "warn"],
  ["at", f => f.what], ["what was done", f => f.did, "free"]];
const account = a => {
  const card = make("section"), figures = make("dl", undefined, "figures"), gain = a.equity - a.start;
  card.append(make("h2", `Account ${a.id}`), figures);
  for (const [name, text, kind] of [["equity", dollars(a.equity)], ["since the start", dollars(gain), sign(gain)],
      ["cash", dollars(a.cash)], ["buying power", dollars(a.buying_power)]]) {
    const pair = make("div");
    pair.append(make("dt", name), make("dd", text, kind));
    figures.append(pair);
  }
  const positions = make("div", undefined, "wide"), orders = make("div", undefined, "wide");
  positions.append(table(POSITIONS, a.positions, "No positions."));
  const more = a.order_count > a.orders.length ? `, the last ${a.orders.length} shown` : "";
  orders.append(table(ORDERS, a.orders, "No open orders."));
  card.append(make("h2", "Positions"), positions, make("h2", `Open orders (${a.order_count}${more})`), orders);
  return card;
};
const show = s => {
  at("clock").textContent = `${s.clock} New York`;
  const state = s.ended ? "ended" : s.is_open ? "open" : "closed";
  put(at("state"), make("strong", state, s.is_open ? "good" : "warn"));
  const speed = s.speed === null ? "a clock that is moved" : s.speed === "max" ? "full speed" : `speed ${s.speed}`;
  const streams = Object.entries(s.streams).map(([name, count]) => `${count} on ${name}`).join(", ");
  const halted = Object.keys(s.halted);
  at("about").textContent = [s.session ? `session ${s.session}` : `opens ${s.next}`, `bar ${s.row} of ${s.rows}`, speed,
    streams || "no streams", halted.length ? `halted: ${halted.join(", ")}` : ""].filter(Boolean).join(" \\u00b7 ");
  put(at("accounts"), ...s.accounts.map(account));
  at("fillcount").textContent = s.fill_count ? `(${s.fill_count} in all)` : "";
  put(at("fills"), table(FILLS, s.fills, "None yet."));
  const counts = Object.entries(s.fault_counts);
  at("faultcount").textContent = counts.map(([name, count]) => `${name} ${count}`).join(", ");
  put(at("faults"), table(FAULTS, s.faults, "None."));
  at("trouble").hidden = !s.failures;
  at("trouble").textContent = `The exchange itself has failed ${s.failures} times; please report it.`;
};
const refresh = async () => {
  try {
    show(await (await fetch("status.json")).json());
  } catch (error) {
    at("trouble").hidden = false;
    at("trouble").textContent = "The exchange does not answer; it has stopped, or is about to.";
  }
  setTimeout(refresh, 1000);
};
refresh();
</script>
</body>
</html>
"""
