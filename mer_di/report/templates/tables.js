"use strict";

// Tables: a button in each header sorts, a field filters.
for (const box of document.querySelectorAll("[data-table]")) {
  const body = box.querySelector("tbody");
  const rows = [...body.rows];
  const field = box.querySelector("input");
  const count = box.querySelector("output");
  const headers = [...box.querySelectorAll("thead th")];
  const texts = rows.map((row) => row.textContent.toLowerCase());

  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, index) => {
      row.hidden = !words.every((word) => texts[index].includes(word));
      shown += !row.hidden;
    });
    count.textContent = `${shown} of ${rows.length} rows`;
  };

  const sort = (column) => {
    const header = headers[column];
    const down = header.getAttribute("aria-sort") === "ascending";
    headers.forEach((other) => other.setAttribute("aria-sort", "none"));
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const numeric = header.classList.contains("number");
    const value = (row) => {
      const text = row.cells[column].textContent.trim();
      return numeric ? parseFloat(text) : text;
    };
    const missing = (item) => (numeric ? Number.isNaN(item) : item === "");
    const compare = (a, b) => {
      const [left, right] = [value(a), value(b)];
      if (missing(left) || missing(right)) return missing(left) - missing(right); // empty cells last, either way
      const order = numeric ? left - right : left.localeCompare(right, "en", { numeric: true });
      return down ? -order : order;
    };
    body.append(...[...rows].sort(compare));
  };

  field.addEventListener("input", filter);
  headers.forEach((header, column) => header.querySelector("button").addEventListener("click", () => sort(column)));
  filter();
}
