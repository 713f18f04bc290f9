"use strict";

// Numbers, shares, instants and elements as people see them. Everything that comes from the data goes
// through textContent: labels are written by others.

const HOUR = 3600000;
const NONE = "–";

/** A number with its thousands apart, as the command line shows it. */
function number(value) {
  if (value === null || value === undefined) return NONE;
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u00a0");
}

/** A number of things. */
function counted(value, one, several) {
  return `${number(value)} ${value === 1 ? one : several}`;
}

/** A change, with its sign. */
function signed(value) {
  if (value === null || value === undefined) return NONE;
  return value > 0 ? `+${number(value)}` : number(value).replace("-", "−");
}

/** A rate as a percentage with one digit; halves go to the even digit, as on the command line. */
function percent(rate) {
  if (rate === null || rate === undefined) return NONE;
  const value = rate * 100;
  // Only x.25 and x.75 are exactly half-way; toFixed would round both up.
  const digits = (value * 4) % 4 === 1 ? Math.floor(value * 10) / 10 : value;
  return `${digits.toFixed(1)}\u00a0%`;
}

/** numerator / denominator; null where there is none. */
function ratio(numerator, denominator) {
  return numerator === null || !denominator ? null : numerator / denominator;
}

/** A span of milliseconds in its two largest units. */
function span(ms) {
  let seconds = Math.floor(Math.abs(ms) / 1000);
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return "0 s";
  const parts = [];
  for (const [name, size] of units.slice(first, first + 2)) {
    if (seconds >= size) parts.push(`${Math.floor(seconds / size)} ${name}`);
    seconds %= size;
  }
  return parts.join(" ");
}

/** Instants in the time zone of the report. */
class Clock {
  constructor(zone) {
    // A browser may be older than the zone; then UTC is right, and said.
    this.zone = "UTC";
    this.unknown = null;
    try {
      new Intl.DateTimeFormat("en", { timeZone: zone });
      this.zone = zone;
    } catch {
      this.unknown = zone;
    }
    const parts = {
      timeZone: this.zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
      hour: "2-digit", minute: "2-digit",
    };
    // The Swedish order is that of ISO 8601: 2026-01-04 12:00.
    this.minutes = new Intl.DateTimeFormat("sv-SE", parts);
    this.seconds = new Intl.DateTimeFormat("sv-SE", { ...parts, second: "2-digit" });
    this.offset = new Intl.DateTimeFormat("en", { timeZone: this.zone, timeZoneName: "longOffset" });
  }

  /** To the minute, for lists. */
  short(ms) {
    return ms === null || ms === undefined ? NONE : this.minutes.format(ms);
  }

  /** To the second, with the zone. */
  long(ms) {
    return ms === null || ms === undefined ? NONE : `${this.seconds.format(ms)} ${this.zoneAt(ms)}`;
  }

  /** An hour by its start, with the zone: at the end of summer time one hour comes twice. */
  hour(hour) {
    return `${this.minutes.format(hour * HOUR)} ${this.zoneAt(hour * HOUR)}`;
  }

  /** The date, to compare with that of a date field. */
  date(ms) {
    return this.minutes.format(ms).slice(0, 10);
  }

  zoneAt(ms) {
    if (this.zone === "UTC") return "UTC";
    const name = this.offset.formatToParts(ms).find((part) => part.type === "timeZoneName").value;
    return name === "GMT" ? "+00:00" : name.replace("GMT", "");
  }
}

/** Milliseconds of an RFC 3339 text; null where there is none. */
function parsed(text) {
  const ms = text ? Date.parse(text) : NaN;
  return Number.isNaN(ms) ? null : ms;
}

/**
 * An element. `attributes`: `class`, `text` and other attributes; functions become listeners, null and
 * false leave out, true is an attribute without value. Children: elements or texts.
 */
function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "text") element.textContent = value;
    else if (typeof value === "function") element.addEventListener(key, value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A text by others: kept apart from the writing direction around it. */
function foreign(text, attributes = {}) {
  return el("bdi", { ...attributes, text });
}

/** Puts these in the place of what is there. */
function fill(place, ...children) {
  place.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
}

function byId(id) {
  return document.getElementById(id);
}
