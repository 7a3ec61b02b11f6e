// The trade log: searched, sorted, shown by pages, and given as CSV.
const ROWS_A_PAGE = 25;

function startLog(figure) {
  const headers = [...figure.querySelectorAll("thead th")];
  const names = headers.map((cell) => cell.textContent);
  const isNumber = headers.map((cell) => "number" in cell.dataset);
  const all = JSON.parse(figure.querySelector("script").textContent); // each row: what is shown, cell by cell
  const state = { found: all, page: 0, column: null, rising: true };
  const body = figure.querySelector("tbody"), pages = figure.querySelector(".pages");
  const count = figure.querySelector(".count"), search = figure.querySelector("input");

  const number = (text) => Number.parseFloat(text.replaceAll(",", "")) || 0; // of a per cent too; a dash is nothing
  const order = (a, b) => {
    const [first, second] = [a[state.column], b[state.column]];
    if (!isNumber[state.column]) return first.localeCompare(second);
    return number(first) - number(second);
  };

  function show() {
    const last = Math.max(0, Math.ceil(state.found.length / ROWS_A_PAGE) - 1);
    state.page = Math.min(Math.max(0, state.page), last);
    const begin = state.page * ROWS_A_PAGE;
    body.replaceChildren(...state.found.slice(begin, begin + ROWS_A_PAGE).map((row) => {
      const line = document.createElement("tr");
      line.append(...row.map((text, column) => {
        const cell = document.createElement(column ? "td" : "th");
        if (!column) cell.scope = "row";
        cell.textContent = text;
        return cell;
      }));
      return line;
    }));
    count.textContent = state.found.length === all.length
      ? `${all.length.toLocaleString("en")}` : `${state.found.length.toLocaleString("en")} of ${all.length.toLocaleString("en")}`;
    const step = (label, by, off) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.disabled = off;
      button.addEventListener("click", () => { state.page += by; show(); });
      return button;
    };
    const where = document.createElement("span");
    where.textContent = `page ${state.page + 1} of ${last + 1}`;
    pages.replaceChildren(...(last
      ? [step("Newer", -1, state.page === 0), where, step("Older", 1, state.page === last)] : []));
    if (last && state.column !== null) {
      pages.firstChild.textContent = "Back";
      pages.lastChild.textContent = "On";
    }
  }

  function find() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    state.found = all.filter((row) => {
      const text = row.join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    });
    if (state.column !== null) {
      state.found.sort(order);
      if (!state.rising) state.found.reverse();
    }
    state.page = 0;
    show();
  }

  headers.forEach((header, column) => {
    header.tabIndex = 0;
    const sort = () => {
      state.rising = state.column === column ? !state.rising : true;
      state.column = column;
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", state.rising ? "ascending" : "descending");
      find();
    };
    header.addEventListener("click", sort);
    header.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  });
  search.addEventListener("input", find);
  figure.querySelector(".csv").addEventListener("click", () => {
    const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    // A spreadsheet would take a text that begins so for a formula.
    const harmless = (text) => (/^[=+@\t\r-]/.test(text) ? `'${text}` : text);
    const written = (text, column) => {
      if (!isNumber[column]) return quoted(harmless(text));
      return text === "\u2013" ? "" : text.replaceAll(",", "").replace("%", "");
    };
    const lines = [names.map(quoted), ...state.found.map((row) => row.map(written))].map((cells) => cells.join(","));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }));
    link.download = figure.dataset.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
  figure.classList.add("live");
  show();
}
