// Starts the page, and keeps which delivery is selected and which are compared; both are in the address.

class App {
  constructor(report) {
    this.report = report;
    this.selected = null;
    this.compared = new Set();
    this.readAddress();
    showFacts(report);
    this.reasons = new Reasons(report);
    this.list = new List(this);
    this.detail = new Detail(this);
    this.comparison = new Comparison(this);
    this.detail.show(this.selected);
    this.comparison.show();
    showNotFinal(report, this);
    showAlerts(report, this);
    showQuality(report);
    showRestatements(report, this);
    document.addEventListener("click", (event) => this.clicked(event));
    window.addEventListener("hashchange", () => this.addressChanged());
    window.addEventListener("beforeprint", () => printCharts(true));
    window.addEventListener("afterprint", () => printCharts(false));
    byId("print").addEventListener("click", () => window.print());
  }

  /** Links to the parts of the page scroll there; the address stays with the delivery. */
  clicked(event) {
    const link = event.target.closest("a[data-go]");
    if (link) {
      event.preventDefault();
      this.go(link.dataset.go);
      return;
    }
    // A link to the delivery that is shown already changes no address.
    const delivery = event.target.closest("a[data-delivery]");
    if (delivery && this.selected !== null && delivery.dataset.delivery === this.report.ids[this.selected]) {
      event.preventDefault();
      this.go("delivery");
    }
  }

  go(section) {
    byId(section).scrollIntoView();
    byId(`${section}-title`).focus({ preventScroll: true });
  }

  select(id) {
    if (!this.report.indexOf.has(id)) return;
    if (this.selected === this.report.indexOf.get(id)) this.go("delivery");
    else location.hash = this.address(id);
  }

  address(id) {
    const parts = id === null ? [] : [`delivery=${encodeURIComponent(id)}`];
    const ids = [...this.compared].map((index) => encodeURIComponent(this.report.ids[index]));
    if (ids.length) parts.push(`compare=${ids.join(",")}`);
    return parts.length ? `#${parts.join("&")}` : "#";
  }

  readAddress() {
    const parts = new Map(location.hash.slice(1).split("&").map((part) => {
      const [key, value] = part.split("=", 2);
      return [key, value ?? ""];
    }));
    const find = (text) => this.report.indexOf.get(decoded(text));
    this.selected = find(parts.get("delivery") ?? "") ?? null;
    // A link to a delivery leaves the comparison as it is.
    if (parts.has("compare")) {
      const found = parts.get("compare").split(",").map(find).filter((index) => index !== undefined);
      this.compared = new Set(found.slice(0, MOST_COMPARED));
    }
  }

  addressChanged() {
    const [before, compared] = [this.selected, [...this.compared].join()];
    this.readAddress();
    if ([...this.compared].join() !== compared) this.comparison.show();
    this.list.table.show();
    if (this.selected === before) return;
    this.detail.show(this.selected);
    if (this.selected !== null) this.go("delivery");
    this.keepAddress();
  }

  /** Writes the state into the address without a new step of the history. */
  keepAddress() {
    const id = this.selected === null ? null : this.report.ids[this.selected];
    if (location.hash !== this.address(id) && (location.hash || this.address(id) !== "#")) {
      history.replaceState(null, "", this.address(id));
    }
  }

  /** Adds a delivery to the comparison or takes it out; tells whether it is in. */
  compare(index, chosen) {
    if (chosen && this.compared.size >= MOST_COMPARED && !this.compared.has(index)) {
      byId("count").textContent = `At most ${MOST_COMPARED} deliveries can be compared.`;
      return false;
    }
    if (chosen) this.compared.add(index);
    else this.compared.delete(index);
    this.comparedChanged();
    return chosen;
  }

  compareNone() {
    this.compared.clear();
    this.comparedChanged();
    this.go("comparison");
  }

  comparedChanged() {
    for (const box of document.querySelectorAll("input[data-compare]")) {
      box.checked = this.compared.has(this.report.indexOf.get(box.dataset.compare));
    }
    this.comparison.show();
    this.keepAddress();
  }
}

/** A part of the address; one that is broken is nothing. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

function chooseTheme() {
  const select = byId("theme");
  const set = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  select.addEventListener("change", () => set(select.value));
  set(select.value);
}

async function start() {
  chooseTheme();
  byId("loading").hidden = false;
  try {
    const report = new Report(await unpack(byId("data")));
    // Charts need to know how wide they are.
    byId("main").hidden = false;
    const app = new App(report);
    if (app.selected !== null) app.go("delivery");
    document.documentElement.dataset.readyAt = Math.round(performance.now());
    document.documentElement.dataset.ready = "yes";
  } catch (error) {
    byId("main").hidden = true;
    byId("failure").hidden = false;
    byId("failure").textContent = `The report cannot be shown: ${error.message}`;
    throw error;
  } finally {
    byId("loading").hidden = true;
  }
}

start();
