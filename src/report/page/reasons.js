// Why messages have failed: bounces + errors by reason, of one delivery and of those in the list.

/** As many bars; the table beside them has all reasons. */
const MOST_BARS = 12;

/** A chart of `Report.byReason`, and the same as a table. */
class ReasonChart {
  constructor(place) {
    this.place = place;
    this.chart = el("div");
    this.twin = el("div");
    this.more = el("details", { class: "twin", open: true }, el("summary", { text: "The same as a table" }), this.twin);
    this.note = el("p", { class: "hint", text: `${NOT_BROKEN_DOWN}: these deliveries were frozen when the table by reason was started.` });
  }

  /** `of` says in words whose reasons they are. */
  show(parts, of) {
    if (parts.length === 0) {
      release(this.place);
      fill(this.place, el("p", { class: "hint", text: "No message has failed." }));
      return;
    }
    const isWhole = parts.every((part) => part.name !== NOT_BROKEN_DOWN);
    fill(this.place, this.chart, this.more, isWhole ? null : this.note);
    this.draw(parts, of);
    this.fillTwin(parts);
  }

  draw(parts, of) {
    const bars = parts.length <= MOST_BARS ? parts
      : [...parts.slice(0, MOST_BARS - 1), sumOf(`${number(parts.length - MOST_BARS + 1)} other reasons`, parts.slice(MOST_BARS - 1))];
    const words = bars.map((bar) => `${bar.name} ${number(bar.all)}, ${number(bar.hard)} of them hard and ${number(bar.soft)} soft`);
    const summary = `Bar chart, bounces + errors ${of} by reason: ${words.join("; ")}. A table below has the numbers.`;
    draw(this.chart, stackOption({
      names: bars.map((bar) => bar.name), format: number,
      series: [
        { name: nameOf("hard_bounces"), values: bars.map((bar) => bar.hard), colour: colour(1) },
        { name: nameOf("soft_bounces"), values: bars.map((bar) => bar.soft), colour: colour(4) },
      ],
    }), summary, 76 + 26 * bars.length);
  }

  fillTwin(parts) {
    const sum = sumOf("all reasons", parts);
    const rows = [...parts, sum].map((part) => [part.name, number(part.all), percent(ratio(part.all, sum.all)), number(part.hard), number(part.soft)]);
    const heads = ["reason", `#${nameOf("bounces_errors")}`, "#share", "#hard", "#soft"];
    fill(this.twin, plainTable("Bounces + errors by reason", heads, rows));
  }
}

function sumOf(name, parts) {
  const sum = (key) => parts.reduce((all, part) => all + part[key], 0);
  return { name, hard: sum("hard"), soft: sum("soft"), all: sum("all") };
}

/** The reasons of the deliveries that the list lets through. */
class Reasons {
  constructor(report) {
    this.report = report;
    const place = byId("reasons-body");
    if (!report.reasons) {
      fill(place, switchOn("Bounce reasons are not in this report.", "[breakdowns] by_reason = true"));
      return;
    }
    this.count = el("p", { id: "reasons-count" });
    const body = el("div");
    fill(place, this.count, body);
    this.chart = new ReasonChart(body);
  }

  /** With the next frame: who types in the search does not wait for a chart. */
  show(indices) {
    if (!this.report.reasons) return;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw(indices));
  }

  draw(indices) {
    const parts = this.report.byReason(indices);
    const deliveries = counted(indices.length, "delivery", "deliveries");
    this.count.textContent = `${number(sumOf("", parts).all)} ${nameOf("bounces_errors")} of ${deliveries}: `
      + (indices.length === this.report.size ? "all on this page." : "those that the list is filtered to.");
    this.chart.show(parts, `of ${deliveries}`);
  }
}
