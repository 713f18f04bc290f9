// A table that is sorted by its headers and shown page by page.

const PAGE_SIZES = [25, 50, 100, 250];
/** More rows than this are not printed: they would be a hundred sheets. */
const MOST_PRINTED = 50;

/**
 * `columns`: `key`, `name`, `numeric`, `value(row)` to sort by (a number, a text or null) and `cell(row)`
 * for what is shown (a text or an element); without `value` a column is not sorted. `totals(rows)` gives
 * the texts of a row of sums by key. `open(row)` is what a click on a row does.
 */
class Table {
  constructor({ place, caption, columns, sort, size = 50, totals = null, open = null, mark = null, printed = MOST_PRINTED }) {
    Object.assign(this, { caption, sort, size, totals, open, mark, printed });
    this.rows = [];
    this.page = 0;
    this.printing = false;
    this.table = el("table", { class: open ? "rows opens" : "rows" });
    this.pager = el("div", { class: "pager" });
    this.note = el("p", { class: "print-only" });
    const box = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Table: ${caption}` }, this.table);
    fill(place, box, this.pager, this.note);
    this.table.addEventListener("click", (event) => this.clicked(event));
    window.addEventListener("beforeprint", () => this.print(true));
    window.addEventListener("afterprint", () => this.print(false));
    this.setColumns(columns);
  }

  setColumns(columns) {
    this.columns = columns;
    this.body = el("tbody");
    this.sums = el("tbody", { class: "totals" });
    this.heads = new Map();
    const row = el("tr");
    for (const column of columns) {
      const classes = [column.numeric ? "number" : "", column.value ? "sortable" : "", column.control ? "pick" : ""];
      const head = el("th", { scope: "col", class: classes.join(" ").trim() || null, "data-key": column.key });
      // On paper nothing can be pressed.
      if (column.value && !this.printing) {
        const button = el("button", { type: "button", title: column.title, click: () => this.sortBy(column) },
          column.name, el("span", { class: "arrow", "aria-hidden": "true" }));
        head.append(button);
      } else {
        head.append(column.name);
      }
      this.heads.set(column.key, head);
      row.append(head);
    }
    const caption = el("caption", { class: "hidden", text: this.caption });
    fill(this.table, caption, el("thead", {}, row), this.totals ? this.sums : null, this.body);
    this.show();
  }

  setRows(rows) {
    this.rows = rows;
    this.page = 0;
    this.order();
    this.show();
  }

  /** The column once more: the other way. Numbers start with the greatest, texts with the first. */
  sortBy(column) {
    const same = this.sort.key === column.key;
    this.sort = { key: column.key, down: same ? !this.sort.down : Boolean(column.numeric) };
    this.page = 0;
    this.order();
    this.show();
  }

  /** Sorts; rows without a value come last both ways. */
  order() {
    const column = this.columns.find((one) => one.key === this.sort.key);
    if (!column?.value) return;
    const sign = this.sort.down ? -1 : 1;
    const keyed = this.rows.map((row) => [column.value(row), row]);
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return a < b ? -sign : a > b ? sign : 0;
    });
    this.rows = keyed.map(([, row]) => row);
  }

  show() {
    for (const [key, head] of this.heads) {
      const sorted = key === this.sort.key ? (this.sort.down ? "descending" : "ascending") : null;
      if (sorted) head.setAttribute("aria-sort", sorted);
      else head.removeAttribute("aria-sort");
    }
    const [from, to] = this.range();
    this.shown = this.rows.slice(from, to);
    fill(this.body, ...this.shown.map((row, place) => this.row(row, place)));
    if (this.totals) fill(this.sums, this.totalsRow());
    this.showPager(from, to);
  }

  range() {
    if (this.printing) return [0, Math.min(this.rows.length, this.printed)];
    this.page = Math.max(0, Math.min(this.page, Math.ceil(this.rows.length / this.size) - 1));
    return [this.page * this.size, Math.min(this.rows.length, (this.page + 1) * this.size)];
  }

  row(row, place) {
    const cells = this.columns.map((column, at) => {
      const name = at === 0 && !column.control ? "th" : "td";
      const shown = column.cell(row);
      return el(name, { scope: name === "th" ? "row" : null, class: cellClass(column) }, shown);
    });
    const mark = this.mark?.(row);
    return el("tr", { "data-place": place, class: mark ? "marked" : null }, ...cells);
  }

  totalsRow() {
    const texts = this.totals(this.rows);
    return el("tr", {}, ...this.columns.map((column) => el("td", { class: cellClass(column) }, texts[column.key] ?? "")));
  }

  showPager(from, to) {
    const pages = Math.ceil(this.rows.length / this.size);
    if (this.rows.length <= PAGE_SIZES[0]) {
      fill(this.pager);
      return;
    }
    const step = (name, page, off) => el("button", {
      type: "button", disabled: off, "data-step": name,
      click: () => { this.page = page; this.show(); this.pager.querySelector(`[data-step="${name}"]`)?.focus(); },
    }, name);
    const sizes = el("select", { change: (event) => this.resize(Number(event.target.value)) },
      ...PAGE_SIZES.map((size) => el("option", { value: size, selected: size === this.size, text: size })));
    fill(this.pager,
      step("First", 0, this.page === 0),
      step("Previous", this.page - 1, this.page === 0),
      el("span", { text: `${number(from + 1)}–${number(to)} of ${number(this.rows.length)}` }),
      step("Next", this.page + 1, this.page >= pages - 1),
      step("Last", pages - 1, this.page >= pages - 1),
      el("label", {}, "Rows per page ", sizes));
  }

  resize(size) {
    this.page = Math.floor((this.page * this.size) / size);
    this.size = size;
    this.show();
    this.pager.querySelector("select").focus();
  }

  /** A click on a row, but not on what has a meaning of its own there. */
  clicked(event) {
    if (!this.open || event.target.closest("a, input, button, label, thead")) return;
    const row = event.target.closest("tr[data-place]");
    // Who marks a text to copy it does not want to go elsewhere.
    if (row && !String(window.getSelection())) this.open(this.shown[Number(row.dataset.place)]);
  }

  /** On paper there are no pages to turn. */
  print(printing) {
    if (this.printing === printing) return;
    this.printing = printing;
    const more = this.rows.length > this.printed;
    this.note.textContent = printing && more ? `The first ${number(this.printed)} of ${number(this.rows.length)} rows.` : "";
    this.setColumns(this.columns);
  }
}

function cellClass(column) {
  return [column.numeric ? "number" : "", column.class ?? ""].join(" ").trim() || null;
}

/** A small table that is not sorted: rows of texts or elements. */
function plainTable(caption, heads, rows) {
  const numeric = heads.map((head) => head.startsWith("#"));
  const cell = (name, at, shown, extra = {}) => el(name, { class: numeric[at] ? "number" : null, ...extra }, shown);
  const head = el("tr", {}, ...heads.map((text, at) => cell("th", at, text.replace("#", ""), { scope: "col" })));
  const body = rows.map((row) => el("tr", {}, ...row.map((shown, at) =>
    at === 0 ? cell("th", at, shown, { scope: "row" }) : cell("td", at, shown))));
  const table = el("table", {}, el("caption", { text: caption }), el("thead", {}, head), el("tbody", {}, ...body));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Table: ${caption}` }, table);
}
