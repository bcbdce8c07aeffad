"use strict";
// Replaces the first rows, which are in the page, by a table that can be searched, filtered and sorted. Names are only ever set as
// text, never as HTML.
(() => {
  const PAGE_ROWS = 50;
  // The states of a cell by their letter in the data, the most urgent first.
  const STATES = {
    m: { rank: 0, name: "missing", text: "MISSING" },
    "?": { rank: 1, name: "unknown", text: "?", spoken: "not looked up" },
    o: { rank: 2, name: "ok", text: "ok" },
    u: { rank: 3, name: "unused", text: "unused" },
    "-": { rank: 4, name: "absent", text: "-", spoken: "absent" },
  };
  // The characters that the other formats of stackref escape, too: they control the text, or are invisible.
  const UNSAFE =
    /[\p{Cc}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const texts = data.texts;
  const lowerTexts = texts.map((text) => text.toLowerCase());
  const rows = data.rows.map(([secret, key, cells, uses], index) => ({
    index,
    secret,
    key,
    cells,
    uses,
    lowerName: (key === null ? secret : `${secret}.${key}`).toLowerCase(),
    isMissing: cells.includes("m"),
  }));

  // The rows in the order of the table, those of them that match, and the page that is shown.
  let sorted = rows;
  let matching = rows;
  let page = 0;
  let sort = { column: 0, isDescending: false };

  const escapeUnsafe = (text) => text.replace(UNSAFE, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
  const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

  function element(tag, className, text) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  // Uses are a flat list: path, line and stack of each. A path or stack is an index in `texts`.
  const useCount = (row) => row.uses.length / 3;

  function location(row, use) {
    const [path, line] = row.uses.slice(3 * use, 3 * use + 2);
    return escapeUnsafe(texts[path]) + (line > 0 ? `:${line}` : "");
  }

  function useText(row, use) {
    const stack = row.uses[3 * use + 2];
    return stack === null ? location(row, use) : `${location(row, use)} (${escapeUnsafe(texts[stack])})`;
  }

  function nameCell(text, isWhole) {
    const cell = element("th", isWhole ? "name whole" : "name", text);
    cell.scope = "row";
    return cell;
  }

  function stateCell(row, letter, environment) {
    const { name, text, spoken } = STATES[letter];
    const cell = element("td", `state ${name}`);
    if (spoken) {
      const symbol = element("span", "", text);
      symbol.setAttribute("aria-hidden", "true");
      cell.append(symbol, element("span", "spoken", spoken));
    } else if (name === "missing" && useCount(row) > 0) {
      const link = element("a", "", text);
      link.href = `#uses-${row.index}`;
      link.title = `Show the uses that need it in ${escapeUnsafe(environment)}`;
      link.addEventListener("click", (event) => {
        event.preventDefault();
        showUses(row);
      });
      cell.append(link);
    } else {
      cell.textContent = text;
    }
    return cell;
  }

  function usesCell(row) {
    const cell = element("td", "uses");
    const count = useCount(row);
    if (count === 0) return cell;
    const details = element("details");
    details.id = `uses-${row.index}`;
    details.append(element("summary", "", location(row, 0) + (count > 1 ? ` and ${count - 1} more` : "")));
    // The list is created when it is first shown, because a secret may have thousands of uses.
    details.addEventListener("toggle", () => {
      if (details.querySelector("ul")) return;
      const list = element("ul");
      for (let use = 0; use < count; use++) list.append(element("li", "", useText(row, use)));
      details.append(list);
    });
    cell.append(details);
    return cell;
  }

  function showUses(row) {
    const details = byId(`uses-${row.index}`);
    details.open = true;
    details.querySelector("summary").focus();
  }

  function tableRow(row) {
    const line = element("tr");
    line.append(nameCell(escapeUnsafe(row.secret), false));
    line.append(row.key === null ? nameCell("whole secret", true) : nameCell(escapeUnsafe(row.key), false));
    data.environments.forEach((name, at) => line.append(stateCell(row, row.cells[at], name)));
    line.append(usesCell(row));
    return line;
  }

  function show(shown) {
    const body = document.createDocumentFragment();
    for (const row of shown) body.append(tableRow(row));
    if (shown.length === 0) {
      const line = element("tr");
      const cell = element("td", "note", rows.length === 0 ? "There are no secrets." : "No rows match.");
      cell.colSpan = data.environments.length + 3;
      line.append(cell);
      body.append(line);
    }
    byId("body").replaceChildren(body);
  }

  function pageCount() {
    return Math.max(1, Math.ceil(matching.length / PAGE_ROWS));
  }

  function showPage(number) {
    page = Math.min(Math.max(number, 0), pageCount() - 1);
    const start = page * PAGE_ROWS;
    const shown = matching.slice(start, start + PAGE_ROWS);
    show(shown);
    const of = matching.length === rows.length ? plural(rows.length, "row") : `${plural(matching.length, "matching row")} (${rows.length} in total)`;
    const range = pageCount() > 1 ? `Rows ${start + 1} to ${start + shown.length} of ${of}` : of;
    byId("status").textContent = range;
    byId("page").textContent = `Page ${page + 1} of ${pageCount()}`;
    byId("pages").hidden = pageCount() === 1;
    for (const [id, isEnd] of [["first", page === 0], ["previous", page === 0], ["next", page + 1 === pageCount()], ["last", page + 1 === pageCount()]]) {
      // A button that is really disabled would lose the focus.
      byId(id).setAttribute("aria-disabled", String(isEnd));
    }
  }

  function applyFilter() {
    const words = byId("search").value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    const missingOnly = byId("missing-only").checked;
    // Each path and stack is compared once, and not for each of its uses.
    const textMatches = words.map((word) => lowerTexts.map((text) => text.includes(word)));
    const isMatch = (row) => words.every((word, at) => row.lowerName.includes(word) || row.uses.some((value, part) => part % 3 !== 1 && value !== null && textMatches[at][value]));
    matching = sorted.filter((row) => (!missingOnly || row.isMissing) && isMatch(row));
    showPage(0);
  }

  // Returns a function that compares two rows by a column.
  function comparison(column) {
    const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    if (column === 0) return (a, b) => a.index - b.index;
    if (column === 1) return (a, b) => compare(a.key ?? "", b.key ?? "");
    const environment = column - 2;
    if (environment === data.environments.length) return (a, b) => a.uses.length - b.uses.length;
    return (a, b) => STATES[a.cells[environment]].rank - STATES[b.cells[environment]].rank;
  }

  function sortBy(column) {
    sort = { column, isDescending: sort.column === column && !sort.isDescending };
    const compare = comparison(column);
    const sign = sort.isDescending ? -1 : 1;
    sorted = [...rows].sort((a, b) => sign * compare(a, b) || a.index - b.index);
    markSorted();
    applyFilter();
  }

  function markSorted() {
    [...byId("columns").children].forEach((head, at) => {
      if (at === sort.column) head.setAttribute("aria-sort", sort.isDescending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  }

  function addControls() {
    [...byId("columns").children].forEach((head, at) => {
      const button = element("button", "", head.textContent);
      button.type = "button";
      button.addEventListener("click", () => sortBy(at));
      head.replaceChildren(button);
    });
    byId("controls").hidden = false;
    byId("controls").addEventListener("submit", (event) => event.preventDefault());
    byId("search").addEventListener("input", applyFilter);
    byId("missing-only").addEventListener("change", applyFilter);
    for (const [id, target] of [["first", () => 0], ["previous", () => page - 1], ["next", () => page + 1], ["last", () => pageCount() - 1]]) {
      byId(id).addEventListener("click", () => {
        if (byId(id).getAttribute("aria-disabled") === "true") return;
        showPage(target());
        byId("rows").scrollTop = 0;
      });
    }
    // On paper, there are no pages to choose from.
    window.addEventListener("beforeprint", () => show(matching));
    window.addEventListener("afterprint", () => showPage(page));
  }

  addControls();
  markSorted();
  applyFilter();
})();
