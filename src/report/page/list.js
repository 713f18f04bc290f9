// The list of deliveries: search, filters, columns and sums.

const SHOWN_AT_FIRST = [
  "started_at", "to_deliver", "sent", "delivered_rate", "bounce_error_rate", "open_rate",
  "click_through_rate", "pending", "is_final",
];
const MOST_COMPARED = 8;

class List {
  /** `app` knows the report, opens deliveries and keeps which are compared. */
  constructor(app) {
    this.app = app;
    this.report = app.report;
    this.visible = new Set(SHOWN_AT_FIRST);
    this.dates = null;
    this.table = new Table({
      place: byId("list"),
      caption: "Deliveries",
      columns: this.columns(),
      sort: { key: "started_at", down: true },
      printed: 500,
      totals: (rows) => this.totals(rows),
      open: (index) => app.select(this.report.ids[index]),
      mark: (index) => index === app.selected,
    });
    this.fillFilters();
    this.fillColumns();
    this.apply();
  }

  /** All columns that can be shown, but for the fixed ones. */
  available() {
    const { report } = this;
    const text = (key, name) => ({ key, name, value: (index) => report.ranks(key)[index] });
    const instant = (key, name) => ({
      ...text(key, name), cell: (index) => report.clock.short(report.get(key, index)), class: "instant",
    });
    const count = (key) => ({
      ...text(key, nameOf(key)), numeric: true, cell: (index) => number(report.get(key, index)),
    });
    const rate = (key) => ({
      ...text(key, `${nameOf(key)} %`), numeric: true, cell: (index) => percent(report.get(key, index)),
      title: `${nameOf(RATES[key][0])} ${RATES[key][2]}`, sum: percent,
    });
    const list = [
      { ...text("channel", "channel"), cell: (index) => foreign(report.get("channel", index) ?? NONE) },
      {
        ...text("efs", "EFS"), title: "Email Feedback Service",
        cell: (index) => (report.get("efs", index) ? "with" : "without"),
        value: (index) => Number(report.get("efs", index) ?? false),
      },
      { ...text("parent_delivery_id", "parent"), cell: (index) => foreign(report.get("parent_delivery_id", index) ?? NONE) },
      instant("started_at", "started"),
      ...report.counters().filter((key) => key !== "pending").map(count),
      ...report.rates().map(rate),
      count("pending"),
      instant("first_event_at", "first row"),
      instant("last_event_at", "newest row"),
      { ...text("is_final", "final"), cell: (index) => this.finalCell(index) },
      instant("final_at", "final at"),
    ];
    // The order of the dashboard first: what is to deliver, what was sent, and the shares.
    const first = SHOWN_AT_FIRST.map((key) => list.find((column) => column.key === key)).filter(Boolean);
    return [...first, ...list.filter((column) => !first.includes(column))];
  }

  columns() {
    const { report } = this;
    const compare = { key: "compare", name: "Compare", control: true, cell: (index) => this.compareCell(index), class: "pick" };
    const delivery = {
      key: "delivery_id", name: "delivery", class: "delivery",
      value: (index) => report.ranks("delivery_id")[index], cell: (index) => this.deliveryCell(index),
    };
    const label = {
      key: "label", name: "label", class: "label",
      value: (index) => report.ranks("label")[index],
      cell: (index) => foreign(report.get("label", index) ?? NONE, { class: "clamp" }),
    };
    return [compare, delivery, label, ...this.available().filter((column) => this.visible.has(column.key))];
  }

  compareCell(index) {
    const id = this.report.ids[index];
    return el("input", {
      type: "checkbox", checked: this.app.compared.has(index), "aria-label": `Compare ${id}`, "data-compare": id,
      change: (event) => {
        event.target.checked = this.app.compare(index, event.target.checked);
      },
    });
  }

  deliveryCell(index) {
    const id = this.report.ids[index];
    const link = deliveryLink(id);
    if (index === this.app.selected) link.setAttribute("aria-current", "true");
    return el("span", {}, link, this.report.alerted.has(id) ? el("span", { class: "badge", text: "alert" }) : null);
  }

  finalCell(index) {
    const state = this.report.finalState(index);
    const at = this.report.get("final_at", index);
    if (state === "unknown") return NONE;
    const until = this.report.clock.short(at);
    // A deadline that is ahead is days ahead: the year goes without saying.
    const open = at >= this.report.asOfOf(index) ? `not until ${until.slice(5)}` : "no";
    return el("span", { class: `state ${state}`, title: until, text: state === "yes" ? "yes" : open });
  }

  totals(rows) {
    const sums = this.report.totals(rows);
    const texts = { delivery_id: "all of these", label: counted(rows.length, "delivery", "deliveries") };
    for (const key of this.report.counters()) texts[key] = number(sums[key]);
    for (const key of this.report.rates()) texts[key] = percent(sums[key]);
    // A sum over fewer deliveries than the others must not look like them.
    if (sums.known < rows.length) {
      texts.to_deliver = el("span", {}, texts.to_deliver, el("small", { text: ` of ${counted(sums.known, "delivery", "deliveries")}` }));
    }
    return texts;
  }

  fillFilters() {
    const { report } = this;
    const channels = [...new Set(report.columns.channel ?? [])].filter((channel) => channel !== null).sort();
    byId("f-channel").append(...channels.map((channel) => el("option", { value: `=${channel}`, text: channel })),
      el("option", { value: "unknown", text: "not known" }));
    for (const id of ["search", "f-final", "f-with", "f-channel", "f-efs", "f-from", "f-to"]) {
      byId(id).addEventListener("input", () => this.apply());
    }
    byId("reset").addEventListener("click", () => this.reset());
  }

  reset() {
    for (const id of ["search", "f-final", "f-with", "f-channel", "f-efs", "f-from", "f-to"]) byId(id).value = "";
    this.apply();
    byId("search").focus();
  }

  fillColumns() {
    byId("columns").append(...this.available().map((column) => el("label", {},
      el("input", {
        type: "checkbox", checked: this.visible.has(column.key), "data-column": column.key,
        change: (event) => this.toggle(column.key, event.target.checked),
      }),
      ` ${column.name}`)));
  }

  toggle(key, shown) {
    if (shown) this.visible.add(key);
    else this.visible.delete(key);
    this.table.setColumns(this.columns());
  }

  /** The filters that are set, as tests of a delivery. */
  tests() {
    const { report } = this;
    const get = (column) => (index) => report.get(column, index);
    const chosen = (id) => byId(id).value;
    const tests = [];
    if (chosen("search").trim()) tests.push(report.search(chosen("search")));
    const final = chosen("f-final");
    if (final) tests.push((index) => report.finalState(index) === final);
    const having = {
      alerts: (index) => report.alerted.has(report.ids[index]),
      failures: (index) => get("bounces_errors")(index) > 0,
      deadline: (index) => get("failed_by_deadline")(index) > 0,
      complaints: (index) => get("complaints")(index) > 0,
      restated: (index) => report.restated.has(report.ids[index]),
    }[chosen("f-with")];
    if (having) tests.push(having);
    const channel = chosen("f-channel");
    if (channel === "unknown") tests.push((index) => get("channel")(index) === null);
    else if (channel) tests.push((index) => get("channel")(index) === channel.slice(1));
    const efs = chosen("f-efs");
    if (efs) tests.push((index) => (get("efs")(index) === true) === (efs === "with"));
    const [from, to] = [chosen("f-from"), chosen("f-to")];
    if (from || to) tests.push((index) => this.startedWithin(index, from, to));
    return tests;
  }

  startedWithin(index, from, to) {
    const start = this.report.get("started_at", index);
    if (start === null) return false;
    this.dates ??= new Map();
    if (!this.dates.has(index)) this.dates.set(index, this.report.clock.date(start));
    const date = this.dates.get(index);
    return (!from || date >= from) && (!to || date <= to);
  }

  apply() {
    const tests = this.tests();
    const rows = [];
    for (let index = 0; index < this.report.size; index++) {
      if (tests.every((test) => test(index))) rows.push(index);
    }
    this.table.setRows(rows);
    this.app.reasons.show(rows);
    byId("count").textContent = rows.length === this.report.size
      ? counted(rows.length, "delivery", "deliveries")
      : `${number(rows.length)} of ${counted(this.report.size, "delivery", "deliveries")}`;
  }
}

/** A link to a delivery; it is an address of its own, so that it can be sent to somebody. */
function deliveryLink(id) {
  return el("a", { href: `#delivery=${encodeURIComponent(id)}`, "data-delivery": id }, foreign(id));
}
