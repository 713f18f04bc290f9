// Deliveries side by side: their rates, and their courses by the hours since each one started.

const COMPARED_RATES = [
  "delivered_rate", "bounce_error_rate", "open_rate", "click_through_rate", "click_to_open_rate", "unsubscribe_rate",
];
const COMPARED_COURSES = ["delivered_rate", "bounce_error_rate", "open_rate", "click_through_rate"];

class Comparison {
  constructor(app) {
    this.app = app;
    this.report = app.report;
    this.place = byId("compare");
    this.rate = "open_rate";
  }

  show() {
    release(this.place);
    const chosen = [...this.app.compared];
    byId("comparison").classList.toggle("empty", chosen.length < 2);
    if (chosen.length < 2) {
      const text = chosen.length === 1
        ? `Delivery ${this.report.ids[chosen[0]]} is chosen. Tick at least one more in the list.`
        : `Tick 2 to ${MOST_COMPARED} deliveries in the first column of the list to compare them.`;
      fill(this.place, el("p", { class: "hint", text }));
      return;
    }
    const bars = el("div", { class: "multiples" });
    const course = el("div");
    this.courseTitle = el("h3");
    fill(this.place, this.legend(chosen), el("h3", { text: "Rates" }), bars, this.table(chosen),
      this.courseTitle, this.choice(chosen, course), course);
    this.drawRates(chosen, bars);
    this.drawCourses(chosen, course);
  }

  legend(chosen) {
    const items = chosen.map((index, place) => {
      const dot = el("span", { class: "dot" });
      dot.style.borderColor = colour(place);
      const id = this.report.ids[index];
      return el("li", {}, dot, deliveryLink(id), " ", foreign(this.report.get("label", index) ?? "", { class: "clamp" }),
        el("button", { type: "button", class: "small no-print", "aria-label": `Leave out ${id}`, click: () => this.app.compare(index, false) }, "×"));
    });
    return el("div", {}, el("ul", { class: "key compared" }, ...items),
      el("button", { type: "button", class: "no-print", id: "compare-none", click: () => this.app.compareNone() }, "Leave out all"));
  }

  drawRates(chosen, place) {
    for (const rate of COMPARED_RATES.filter((one) => this.report.has(one))) {
      const values = chosen.map((index) => this.report.get(rate, index));
      const chart = el("div");
      place.append(el("figure", { "data-rate": rate },
        el("figcaption", {}, el("b", { text: nameOf(rate) }), ` ${nameOf(RATES[rate][0])} ${RATES[rate][2]}`), chart));
      const names = chosen.map((index) => this.report.ids[index]);
      const summary = `Bar chart, ${nameOf(rate)} ${RATES[rate][2]}: ${names.map((name, at) => `${name} ${percent(values[at])}`).join(", ")}`;
      draw(chart, barOption({
        names, values, format: percent, axis: percentAxis, colours: chosen.map((_, at) => colour(at)),
        patterns: chosen.map((_, at) => pattern(at)),
      }), summary, 48 + 26 * chosen.length);
    }
  }

  table(chosen) {
    const { report } = this;
    const heads = ["measure", ...chosen.map((index) => `#${report.nameOf(index, 30)}`)];
    const row = (name, show) => [name, ...chosen.map(show)];
    const rows = [
      row("started", (index) => report.clock.short(report.get("started_at", index))),
      ...["to_deliver", "processed", "sent", "delivered", "bounces_errors", "unique_opens", "unique_clicks"].filter((column) => report.has(column))
        .map((column) => row(nameOf(column), (index) => number(report.get(column, index)))),
      ...report.rates().map((rate) => row(`${nameOf(rate)} (${nameOf(RATES[rate][0])} ${RATES[rate][2]})`, (index) => percent(report.get(rate, index)))),
      row("final", (index) => report.finalState(index).replace("unknown", "not known")),
    ];
    return el("details", { open: true }, el("summary", { text: "The same as a table, and more" }), plainTable("Comparison", heads, rows));
  }

  choice(chosen, course) {
    const select = el("select", {
      id: "compare-rate", change: (event) => { this.rate = event.target.value; this.drawCourses(chosen, course); },
    }, ...COMPARED_COURSES.map((rate) => el("option", { value: rate, selected: rate === this.rate, text: `${nameOf(rate)} ${RATES[rate][2]}` })));
    return el("p", { class: "no-print" }, el("label", { class: "inline" }, "Rate ", select));
  }

  drawCourses(chosen, place) {
    this.courseTitle.textContent = `Course since the start: ${nameOf(RATES[this.rate][0])} ${RATES[this.rate][2]}`;
    const courses = chosen.map((index) => this.sinceStart(index));
    const length = Math.max(0, ...courses.map((values) => values.length));
    const series = chosen.map((index, at) => ({ name: this.report.nameOf(index), values: courses[at] }));
    const hours = Array.from({ length }, (_, at) => String(at));
    const summary = `Line chart, ${nameOf(this.rate)} ${RATES[this.rate][2]} by hours since the start. At the end: `
      + series.map((one) => `${one.name} ${percent(one.values.at(-1) ?? null)}`).join(", ");
    draw(place, lineOption({
      categories: hours, series, format: percent, axis: percentAxis, title: (at) => `${counted(at, "hour", "hours")} after the start`,
      label: (text) => text, name: "hours since the start",
    }), summary);
    place.dataset.hours = length;
  }

  /** The rate at the end of each hour since the start; before the first row there is none. */
  sinceStart(index) {
    const course = this.report.course(index);
    if (!course) return [];
    const rates = rateCourse(course, this.rate) ?? [];
    const started = this.report.get("started_at", index);
    const start = started === null ? course.first : Math.floor(started / HOUR);
    // Rows from before the start, by clocks that differ, have no place on the axis.
    return course.first >= start ? [...new Array(course.first - start).fill(null), ...rates] : rates.slice(start - course.first);
  }
}
