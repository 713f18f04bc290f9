// The data of the report: unpacking, look-ups by delivery, sums and courses.

const COUNTS = [
  "to_deliver", "processed", "pending", "delivered", "bounces_errors", "sent", "hard_bounces",
  "soft_bounces", "failed_by_deadline", "retrying", "soft_bounce_events", "late_successes", "complaints",
  "new_quarantines",
  "opens_tracked", "unique_opens_tracked", "unique_opens", "opens", "clicks", "unique_clicks",
  "mirror_page_views", "unsubscribes", "unique_unsubscribes", "human_opens", "human_unique_opens",
  "human_clicks", "human_unique_clicks", "human_unsubscribes", "human_opens_tracked",
  "human_unique_opens_tracked", "machine_marked", "machine_honeypot", "machine_many_links",
  "machine_early_open",
];

/** Each rate with its numerator, its denominator, and what that is called. */
const RATES = {
  delivered_rate: ["delivered", "processed", "of processed"],
  bounce_error_rate: ["bounces_errors", "processed", "of processed"],
  delivered_rate_of_sent: ["delivered", "sent", "of sent"],
  bounce_error_rate_of_sent: ["bounces_errors", "sent", "of sent"],
  hard_bounce_rate: ["hard_bounces", "sent", "of sent"],
  soft_bounce_rate: ["soft_bounces", "sent", "of sent"],
  open_rate: ["unique_opens", "delivered", "of delivered"],
  open_rate_total: ["opens", "delivered", "of delivered"],
  click_through_rate: ["unique_clicks", "delivered", "of delivered"],
  click_to_open_rate: ["unique_clicks", "unique_opens", "of opened"],
  unsubscribe_rate: ["unsubscribes", "delivered", "of delivered"],
  complaint_rate: ["complaints", "delivered", "of delivered"],
  mirror_page_rate: ["mirror_page_views", "delivered", "of delivered"],
  progress: ["processed", "to_deliver", "of to deliver"],
  human_open_rate: ["human_unique_opens", "delivered", "of delivered"],
  human_open_rate_total: ["human_opens", "delivered", "of delivered"],
  human_click_through_rate: ["human_unique_clicks", "delivered", "of delivered"],
  human_click_to_open_rate: ["human_unique_clicks", "human_unique_opens", "of opened"],
  human_unsubscribe_rate: ["human_unsubscribes", "delivered", "of delivered"],
};

/** What people call the columns. */
const NAMES = {
  to_deliver: "messages to deliver", processed: "processed", pending: "pending", delivered: "delivered",
  bounces_errors: "bounces + errors", sent: "sent", hard_bounces: "hard bounces",
  soft_bounces: "soft bounces", failed_by_deadline: "failed by the deadline", retrying: "being retried",
  soft_bounce_events: "soft bounce reports", late_successes: "late successes", complaints: "complaints",
  new_quarantines: "new quarantines",
  opens_tracked: "opens tracked", unique_opens_tracked: "messages with a tracked open",
  unique_opens: "messages opened", opens: "opens", clicks: "clicks", unique_clicks: "messages clicked",
  mirror_page_views: "mirror page views", unsubscribes: "unsubscribes",
  unique_unsubscribes: "messages unsubscribed", human_opens: "opens by people",
  human_unique_opens: "messages opened by people", human_clicks: "clicks by people",
  human_unique_clicks: "messages clicked by people", human_unsubscribes: "unsubscribes by people",
  human_opens_tracked: "opens tracked, by people",
  human_unique_opens_tracked: "messages with a tracked open by people",
  machine_marked: "a machine's: marked", machine_honeypot: "a machine's: honeypot",
  machine_many_links: "a machine's: many links", machine_early_open: "a machine's: early open",
  delivered_rate: "delivered", bounce_error_rate: "bounces + errors",
  delivered_rate_of_sent: "delivered of sent", bounce_error_rate_of_sent: "bounces + errors of sent",
  hard_bounce_rate: "hard bounces", soft_bounce_rate: "soft bounces", open_rate: "opens",
  open_rate_total: "opens, repeated ones too", click_through_rate: "clicks",
  click_to_open_rate: "clicks of opened", unsubscribe_rate: "unsubscribes", complaint_rate: "complaints",
  mirror_page_rate: "mirror page views", progress: "progress", human_open_rate: "opens by people",
  human_open_rate_total: "opens by people, repeated ones too", human_click_through_rate: "clicks by people",
  human_click_to_open_rate: "clicks of opened, by people", human_unsubscribe_rate: "unsubscribes by people",
};

/** What deliveries have lost to the table by reason: it came later than their rows, which stay as they are. */
const NOT_BROKEN_DOWN = "not broken down";

function nameOf(column) {
  return NAMES[column] ?? column.replaceAll("_", " ");
}

/** The JSON in a script element: base64 of gzip. */
async function unpack(element) {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("this browser is too old to unpack the data; one of 2023 or later does");
  }
  const packed = atob(element.textContent.trim());
  const bytes = new Uint8Array(packed.length);
  for (let place = 0; place < packed.length; place++) bytes[place] = packed.charCodeAt(place);
  element.textContent = "";
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(plain).text());
}

class Report {
  constructor(raw) {
    if (raw.format !== 1) throw new Error(`the data has format ${raw.format}, this page reads format 1`);
    this.raw = raw;
    this.run = raw.run ?? {};
    this.clock = new Clock(raw.timezone ?? "UTC");
    this.columns = raw.deliveries;
    this.ids = this.columns.delivery_id;
    this.size = this.ids.length;
    this.indexOf = new Map(this.ids.map((id, index) => [id, index]));
    this.asOf = parsed(this.run.as_of);
    this.order = new Map();
    this.hours = packed(raw.hours ?? {});
    raw.hours = null;
    this.firstHour = firstRows(this.hours.delivery ?? [], this.size);
    const { names = [], ...reasons } = raw.reasons ?? {};
    this.reasons = raw.reasons ? { names, ...packed(reasons) } : null;
    raw.reasons = null;
    this.firstReason = firstRows(this.reasons?.delivery ?? [], this.size);
    this.haystacks = this.ids.map((id, index) => folded(`${id}\n${this.get("label", index) ?? ""}`));
    this.frozen = new Set(this.run.frozen ?? []);
    this.alerts = raw.alerts ?? [];
    this.alerted = new Set(this.alerts.map((alert) => alert.delivery_id).filter((id) => id !== null));
    this.restated = new Set(raw.restatements?.delivery_id ?? []);
  }

  has(column) {
    return Array.isArray(this.columns[column]);
  }

  /** A value of a delivery; null where there is none. */
  get(column, index) {
    return this.columns[column]?.[index] ?? null;
  }

  /** The counters that the data has. */
  counters() {
    return COUNTS.filter((column) => this.has(column));
  }

  /** The rates that the data has. */
  rates() {
    return Object.keys(RATES).filter((column) => this.has(column));
  }

  asOfOf(index) {
    return this.get("as_of", index) ?? this.asOf;
  }

  /** How a delivery is called where there is little room. */
  nameOf(index, most = 40) {
    const label = this.get("label", index);
    return shortened(label === null ? this.ids[index] : `${this.ids[index]} ${label}`, most);
  }

  /** Places to compare by: numbers as numbers, texts as people sort them; null stays null. */
  ranks(column) {
    if (!this.order.has(column)) this.order.set(column, ranksOf(this.columns[column] ?? []));
    return this.order.get(column);
  }

  /** The deliveries with all these words in their identifier or label. */
  search(text) {
    const words = folded(text).split(/\s+/).filter(Boolean);
    return (index) => words.every((word) => this.haystacks[index].includes(word));
  }

  /** Sums of counters over deliveries, and the rates of the sums: rates are never averaged. */
  totals(indices) {
    const sums = {};
    for (const column of this.counters()) {
      const values = this.columns[column];
      let sum = null;
      for (const index of indices) {
        if (values[index] !== null && values[index] !== undefined) sum = (sum ?? 0) + values[index];
      }
      sums[column] = sum;
    }
    for (const [rate, [numerator, denominator]] of Object.entries(RATES)) {
      sums[rate] = ratio(sums[numerator] ?? null, sums[denominator] ?? null);
    }
    // Progress is of the deliveries whose number of messages is known, in both terms.
    const known = indices.filter((index) => this.get("to_deliver", index) !== null);
    let done = 0;
    for (const index of known) done += this.get("processed", index) ?? 0;
    sums.progress = ratio(done, sums.to_deliver ?? null);
    sums.known = known.length;
    return sums;
  }

  /** The rows of the hours of a delivery: from and to, in the columns of `hours`. */
  hourRows(index) {
    return [this.firstHour[index], this.firstHour[index + 1]];
  }

  /**
   * The course of a delivery over the hours, without gaps: by counter the change in each hour (0 where
   * there is no row) and the value at its end (held). Null without any row.
   */
  course(index) {
    const [from, to] = this.hourRows(index);
    if (from === to) return null;
    const { hour, ...columns } = this.hours;
    const first = hour[from];
    const size = this.lastHour(index, hour[to - 1]) - first + 1;
    const course = { first, size, delta: {}, value: {} };
    for (const [column, deltas] of Object.entries(columns)) {
      if (!column.endsWith("_delta")) continue;
      const delta = new Array(size).fill(0);
      const value = new Array(size).fill(0);
      for (let row = from; row < to; row++) delta[hour[row] - first] = deltas[row];
      let sum = 0;
      for (let place = 0; place < size; place++) value[place] = sum += delta[place];
      course.delta[column.slice(0, -6)] = delta;
      course.value[column.slice(0, -6)] = value;
    }
    return course;
  }

  /**
   * Bounces + errors of deliveries by reason, the largest first: `name`, `hard`, `soft` and `all`. What a
   * delivery has more of than the table by reason is a part of its own.
   */
  byReason(indices) {
    const { names, reason, hard_bounces, soft_bounces } = this.reasons;
    const parts = names.map((name) => ({ name, hard: 0, soft: 0 }));
    const more = { name: NOT_BROKEN_DOWN, hard: 0, soft: 0 };
    for (const index of indices) {
      more.hard += this.get("hard_bounces", index) ?? 0;
      more.soft += this.get("soft_bounces", index) ?? 0;
      for (let row = this.firstReason[index]; row < this.firstReason[index + 1]; row++) {
        const part = parts[reason[row]];
        part.hard += hard_bounces[row];
        part.soft += soft_bounces[row];
        more.hard -= hard_bounces[row];
        more.soft -= soft_bounces[row];
      }
    }
    return [...parts, more].filter(({ hard, soft }) => hard !== 0 || soft !== 0)
      .map((part) => ({ ...part, all: part.hard + part.soft })).sort((a, b) => b.all - a.all);
  }

  /** Up to as-of, but not much beyond the last change. */
  lastHour(index, last) {
    const asOf = this.asOfOf(index);
    if (asOf === null) return last;
    return Math.max(last, Math.min(last + 24, Math.ceil(asOf / HOUR) - 1));
  }

  /** Whether a delivery is final: "yes", "no" or "unknown". */
  finalState(index) {
    const isFinal = this.get("is_final", index);
    if (isFinal === null || this.get("final_at", index) === null) return "unknown";
    return isFinal ? "yes" : "no";
  }

  /** The same in words. */
  finality(index) {
    const state = this.finalState(index);
    if (state === "unknown") return "not known: no message has a deadline";
    if (state === "no") return `no: ${this.waitsFor(index).join(", ")}`;
    const at = this.clock.long(this.get("final_at", index));
    return `yes, since ${at}; asynchronous bounces, opens, clicks and corrections can still come`;
  }

  /** Why a delivery is not final. */
  waitsFor(index) {
    const at = this.get("final_at", index);
    const reasons = [];
    const asOf = this.asOfOf(index);
    if (asOf === null || at >= asOf) reasons.push(`the last deadline is ${this.clock.long(at)}`);
    const pending = this.get("pending", index);
    if (pending > 0) reasons.push(`${number(pending)} pending`);
    const processed = this.get("processed", index);
    const all = this.get("to_deliver", index);
    if (processed !== null && all !== null && processed < all) {
      reasons.push(`${number(processed)} of ${number(all)} processed`);
    }
    return reasons;
  }

  /** What the run left out: rows that break the contract, and files. */
  leftOut() {
    const logs = this.run.logs ?? [];
    const sum = (column) => logs.reduce((all, log) => all + (log[column] ?? 0), 0);
    return { rows: sum("rows_rejected"), files: sum("files_skipped"), read: sum("rows_read") };
  }
}

/** Columns of numbers in little room, which the browser need not look through again and again; null is 0. */
function packed(columns) {
  return Object.fromEntries(Object.entries(columns).map(([column, values]) => [column, new Float64Array(values)]));
}

/** For rows sorted by delivery: where the rows of each one start; those of the last one end at the end. */
function firstRows(deliveries, size) {
  const first = new Int32Array(size + 1);
  for (const index of deliveries) first[index + 1]++;
  for (let index = 0; index < size; index++) first[index + 1] += first[index];
  return first;
}

/** A text to search in: without case and accents. */
function folded(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** At most so many characters. */
function shortened(text, most) {
  const characters = Array.from(text.slice(0, 4 * most));
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}

function ranksOf(values) {
  const first = values.find((value) => value !== null && value !== undefined);
  if (typeof first !== "string") return values.map((value) => (value === null ? null : Number(value)));
  const collator = new Intl.Collator("en", { numeric: true });
  const distinct = [...new Set(values)].filter((value) => value !== null).sort(collator.compare);
  const rank = new Map(distinct.map((value, place) => [value, place]));
  return values.map((value) => (value === null ? null : rank.get(value)));
}
