// One delivery: its deployment block, how far it can be relied on, and its course.

/** The lines of the block, in the order of the dashboard. Both denominators stand where two are in use. */
const MEASURES = [
  ["messages to deliver", "to_deliver"],
  ["processed", "processed", "progress"],
  ["sent", "sent"],
  ["delivered", "delivered", "delivered_rate", "delivered_rate_of_sent"],
  ["bounces + errors", "bounces_errors", "bounce_error_rate", "bounce_error_rate_of_sent"],
  ["hard bounces", "hard_bounces", "hard_bounce_rate"],
  ["soft bounces", "soft_bounces", "soft_bounce_rate"],
  ["pending", "pending"],
  ["messages opened", "unique_opens", "open_rate"],
  ["opens", "opens", "open_rate_total"],
  ["messages clicked", "unique_clicks", "click_through_rate", "click_to_open_rate"],
  ["clicks", "clicks"],
  ["mirror page views", "mirror_page_views", "mirror_page_rate"],
  ["unsubscribes", "unsubscribes", "unsubscribe_rate"],
  ["complaints", "complaints", "complaint_rate"],
  ["being retried", "retrying"],
  ["failed by the deadline", "failed_by_deadline"],
  ["late successes", "late_successes"],
];
/** What people do, machines left out. */
const MORE_MEASURES = {
  new_quarantines: [],
  human_unique_opens: ["human_open_rate"],
  human_opens: ["human_open_rate_total"],
  human_unique_clicks: ["human_click_through_rate", "human_click_to_open_rate"],
  human_clicks: [],
  human_unsubscribes: ["human_unsubscribe_rate"],
};
const PARTS = new Set(["hard_bounces", "soft_bounces"]);

/** The series of the course, by what is shown. */
const COURSES = {
  total: {
    name: "counts so far", columns: ["delivered", "bounces_errors", "opens", "clicks"], format: number,
    values: (course, column) => course.value[column],
  },
  hour: {
    name: "counts per hour", columns: ["delivered", "bounces_errors", "opens", "clicks"], format: number,
    values: (course, column) => course.delta[column],
  },
  rate: {
    name: "rates so far", columns: ["delivered_rate", "bounce_error_rate", "open_rate", "click_through_rate"],
    format: percent, axis: percentAxis, values: (course, column) => rateCourse(course, column),
  },
};

/** A rate at the end of each hour. */
function rateCourse(course, rate) {
  const [numerator, denominator] = RATES[rate];
  const below = course.value[denominator];
  return course.value[numerator]?.map((value, place) => ratio(value, below[place]));
}

class Detail {
  constructor(app) {
    this.app = app;
    this.report = app.report;
    this.place = byId("detail");
    this.view = "total";
  }

  show(index) {
    release(this.place);
    byId("delivery").classList.toggle("empty", index === null);
    if (index === null) {
      byId("delivery-title").textContent = "One delivery";
      fill(this.place, el("p", { class: "hint", text: "Choose a delivery in the list: click on it, or press Enter on its identifier." }));
      return;
    }
    fill(byId("delivery-title"), "Delivery ", foreign(this.report.ids[index]));
    this.course = el("div", { class: "course" });
    this.courseTitle = el("h3");
    const reasons = el("div", { class: "reasons" });
    fill(this.place, this.head(index), ...this.notices(index),
      el("div", { class: "block-and-more" }, this.block(index), el("div", {}, this.certainty(index), this.more(index))),
      this.courseTitle, this.course, reasons);
    this.showCourse(index);
    this.showReasons(index, reasons);
  }

  head(index) {
    const { report } = this;
    const get = (column) => report.get(column, index);
    const label = get("label");
    const parent = get("parent_delivery_id");
    const facts = [
      `${get("efs") === true ? "with" : "without"} Email Feedback Service`,
      el("span", {}, "channel ", foreign(get("channel") ?? "not known, taken as email")),
      get("started_at") === null ? "start not known" : `started ${report.clock.long(get("started_at"))}`,
      `as of ${report.clock.long(report.asOfOf(index))}`,
    ];
    if (parent !== null) {
      facts.push(el("span", {}, "part of ", report.indexOf.has(parent) ? deliveryLink(parent) : foreign(parent)));
    }
    return el("div", { class: "head" },
      label === null ? null : el("p", { class: "label-text" }, foreign(label)),
      el("ul", { class: "line" }, ...facts.map((fact) => el("li", {}, fact))),
      el("p", { class: "tools no-print" },
        el("label", { class: "inline" }, el("input", {
          type: "checkbox", checked: this.app.compared.has(index), "data-compare": report.ids[index],
          change: (event) => { event.target.checked = this.app.compare(index, event.target.checked); },
        }), " Compare this delivery"),
        el("button", { type: "button", click: () => this.app.go("deliveries") }, "Back to the list")));
  }

  notices(index) {
    const id = this.report.ids[index];
    const notices = this.report.alerts.filter((alert) => alert.delivery_id === id)
      .map((alert) => el("p", { class: "notice warn" }, "Alert: ", foreign(alert.message)));
    if (this.report.frozen.has(id)) {
      notices.push(el("p", { class: "notice warn", text: "Frozen: these rows stay as they were published, because files with rows of this delivery are gone." }));
    }
    if (this.report.restated.has(id)) {
      notices.push(el("p", { class: "notice", text: "Hours of this delivery have changed after they had ended: see Restatements." }));
    }
    return notices;
  }

  block(index) {
    const more = Object.entries(MORE_MEASURES).filter(([column]) => this.report.has(column))
      .map(([column, rates]) => [nameOf(column), column, ...rates.filter((rate) => this.report.has(rate))]);
    const rows = [...MEASURES, ...more].map(([label, counter, ...rates]) => this.blockRow(index, label, counter, rates));
    return el("table", { class: "block", id: "block" },
      el("caption", { text: "Deployment block" }),
      el("thead", { class: "hidden" }, el("tr", {}, ...["measure", "number", "bar", "rate", "second rate"].map((text) =>
        el("th", { scope: "col", text })))),
      el("tbody", {}, ...rows));
  }

  blockRow(index, label, counter, rates) {
    const get = (column) => this.report.get(column, index);
    const shown = rates.map((rate) => el("td", { class: "rate", "data-rate": rate },
      el("b", { text: percent(get(rate)) }), ` ${RATES[rate][2]}`));
    while (shown.length < 2) shown.push(el("td", { class: "rate" }));
    return el("tr", { "data-counter": counter, class: PARTS.has(counter) ? "part" : null },
      el("th", { scope: "row", text: label }),
      el("td", { class: "number", text: number(get(counter)) }),
      el("td", { class: "bar-cell", "aria-hidden": "true" }, rates.length ? bar(get(rates[0]), counter) : null),
      ...shown);
  }

  /** How far the numbers can be relied on. */
  certainty(index) {
    const { report } = this;
    const get = (column) => report.get(column, index);
    const share = ratio(get("failed_by_deadline"), get("processed"));
    const inferred = `${number(get("failed_by_deadline"))} failed because the deadline passed during retries, without a row`
      + (share === null ? "" : ` (${percent(share)} of processed)`);
    const late = get("late_successes") > 0
      ? `${counted(get("late_successes"), "success", "successes")} came after a failure for good; if they are many, deadline = "reported" may be right` : null;
    const newest = get("last_event_at");
    const age = newest === null ? "none" : `${report.clock.long(newest)}, ${span(report.asOfOf(index) - newest)} before as-of`;
    const item = (term, ...texts) => el("div", {}, el("dt", { text: term }),
      ...texts.filter(Boolean).map((text) => el("dd", { text, "data-fact": term })));
    return el("dl", { class: "certainty" }, item("final", report.finality(index)), item("inferred", inferred, late), item("newest row", age));
  }

  /** What the block leaves out. */
  more(index) {
    const { report } = this;
    const shown = new Set([...MEASURES.map(([, counter]) => counter), ...Object.keys(MORE_MEASURES)]);
    const rows = report.counters().filter((column) => !shown.has(column))
      .map((column) => [nameOf(column), number(report.get(column, index))]);
    const dates = [["first_event_at", "first row"], ["last_event_at", "newest row"], ["final_at", "final at"]]
      .map(([column, name]) => [name, report.clock.long(report.get(column, index))]);
    return el("details", {}, el("summary", { text: "More counters and times" }), plainTable("More counters and times", ["", "#"], [...rows, ...dates]));
  }

  showReasons(index, place) {
    if (!this.report.reasons) return;
    const body = el("div");
    fill(place, el("h3", { text: "Bounces + errors by reason" }), body);
    new ReasonChart(body).show(this.report.byReason([index]), `of delivery ${this.report.ids[index]}`);
  }

  showCourse(index) {
    const course = this.report.course(index);
    this.courseTitle.textContent = "Course over the hours";
    if (!course) {
      fill(this.course, el("p", { class: "hint", text: "No hour has changed anything yet: the logs have no row of this delivery." }));
      return;
    }
    const chart = el("div");
    const choices = Object.entries(COURSES).map(([view, { name }]) => el("label", { class: "inline" },
      el("input", {
        type: "radio", name: "course", value: view, checked: view === this.view,
        change: () => { this.view = view; this.drawCourse(index, course, chart); },
      }), ` ${name}`));
    const twin = el("details", { class: "twin", toggle: (event) => this.fillTwin(event.target, index) },
      el("summary", { text: "The same as a table" }), el("div"));
    fill(this.course, el("fieldset", { class: "choice" }, el("legend", { class: "hidden", text: "What the chart shows" }), ...choices), chart, twin);
    this.drawCourse(index, course, chart);
  }

  drawCourse(index, course, place) {
    const { clock } = this.report;
    const { columns, format, axis, values, name } = COURSES[this.view];
    this.courseTitle.textContent = `Course over the hours: ${name}`;
    const hours = Array.from({ length: course.size }, (_, at) => clock.short((course.first + at) * HOUR));
    const series = columns.map((column) => ({ name: nameOf(column), values: values(course, column) }))
      .filter((one) => one.values);
    const last = series.map((one) => `${one.name} ${format(one.values.at(-1))}`).join(", ");
    const summary = `Line chart, ${name} of delivery ${this.report.ids[index]}, ${counted(course.size, "hour", "hours")} from `
      + `${clock.hour(course.first)}. In the last hour: ${last}. A table below has the numbers.`;
    draw(place, lineOption({
      categories: hours, series, format, axis, title: (at) => clock.hour(course.first + at),
      label: (text) => `${text.slice(11)}\n${text.slice(0, 10)}`,
    }), summary);
    place.dataset.hours = course.size;
    place.dataset.view = this.view;
  }

  /** The rows of the hours, made when somebody wants to see them. */
  fillTwin(twin, index) {
    if (!twin.open || twin.dataset.filled) return;
    twin.dataset.filled = "yes";
    const [from, to] = this.report.hourRows(index);
    const { hours } = this.report;
    const columns = ["delivered", "bounces_errors", "opens", "clicks", "processed", "pending", "unique_opens", "unique_clicks", "complaints"]
      .filter((column) => hours[`${column}_delta`]);
    const sums = columns.map(() => 0);
    const rows = [];
    for (let row = from; row < to; row++) {
      const cells = columns.flatMap((column, at) => {
        const delta = hours[`${column}_delta`][row];
        sums[at] += delta;
        return [signed(delta), number(sums[at])];
      });
      rows.push([this.report.clock.hour(hours.hour[row]), ...cells]);
    }
    const heads = ["hour", ...columns.flatMap((column) => [`#${nameOf(column)}, change`, `#so far`])];
    fill(twin.lastElementChild, plainTable("Each hour in which something changed; in the others the numbers stay", heads, rows));
  }
}

/** A bar as long as its rate; more than a whole is a whole. */
function bar(rate, counter) {
  const filled = el("span", { class: "bar-fill", "data-of": counter });
  filled.style.width = `${Math.max(0, Math.min(1, rate ?? 0)) * 100}%`;
  return el("span", { class: "bar-track" }, filled);
}

/** Says how to have what is not there. */
function switchOn(text, setting) {
  return el("p", { class: "hint" }, `${text} `, el("code", { text: setting }), " in the job switches them on, from its next run on.");
}
