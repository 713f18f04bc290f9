// What belongs to the run and not to one delivery: the head of the page, what is not final yet, alerts,
// data quality and restatements.

const LOG_NAMES = { sending_log: "sending log", tracking_log: "tracking log", deliveries: "deliveries" };
/** Every row that was read has exactly one of these fates. */
const FATES = [
  ["rows_counted", "counted"], ["rows_duplicate", "duplicate"], ["rows_superseded", "superseded"],
  ["rows_deleted", "deleted"], ["rows_future", "future"], ["rows_frozen", "frozen"], ["rows_rejected", "rejected"],
];
/** Given apart: these are among the counted ones, or were not asked for. */
const APART = [
  ["rows_unknown_type", "unknown type"], ["rows_test", "test rows"], ["rows_orphan", "orphans"],
  ["rows_not_selected", "not selected"],
];

function logName(log) {
  return LOG_NAMES[log] ?? log;
}

/** When, of what and how whole. */
function showFacts(report) {
  const { run, clock, raw } = report;
  const fact = (term, text) => el("div", {}, el("dt", { text: term }), el("dd", { text }));
  fill(byId("facts"),
    fact("as of", clock.long(report.asOf)),
    fact("run", `${number(run.run_number)}${run.mode ? `, ${run.mode.replaceAll("_", " ")}` : ""}`),
    fact("published", clock.long(parsed(run.finished_at))),
    fact("deliveries", number(report.size) + leftOut(report)),
    fact("times in", clock.unknown ? `UTC (this browser does not know ${clock.unknown})` : clock.zone));
  const verdict = byId("verdict");
  const { text, good } = verdictOf(report);
  verdict.hidden = false;
  verdict.className = `verdict ${good ? "good" : "warn"}`;
  fill(verdict, el("b", { text: good ? "Complete. " : "Look here. " }), text, " ",
    el("a", { href: "#quality", "data-go": "quality", text: "Data quality" }),
    ...(report.alerts.length > 0 ? [" ", el("a", { href: "#alerts", "data-go": "alerts", text: "Alerts" })] : []));
  byId("foot").textContent = `Made by delivery-kpi ${raw.program_version ?? ""} on ${clock.long(raw.generated_at ?? null)}, run ${run.run_id ?? NONE}. `
    + `This page holds all its data and loads nothing from the network. Charts by Apache ECharts ${echarts.version} (Apache License 2.0).`;
}

/** How many deliveries of the run are not on the page. */
function leftOut(report) {
  const { deliveries = 0, others = 0 } = report.raw.left ?? {};
  return deliveries + others > 0 ? ` of ${number(report.size + deliveries + others)}; the others are not on this page` : "";
}

/** Whether the numbers rest on all rows. */
function verdictOf(report) {
  const logs = report.run.logs ?? [];
  const { rows, files, read } = report.leftOut();
  const problems = [];
  for (const log of logs) {
    if (!addsUp(log)) problems.push(`the rows of the ${logName(log.log)} do not add up`);
  }
  if (rows > 0) problems.push(`${counted(rows, "row", "rows")} left out because they break the contract`);
  if (files > 0) problems.push(`${counted(files, "file", "files")} left out because they could not be read`);
  if (report.frozen.size > 0) problems.push(`${counted(report.frozen.size, "delivery", "deliveries")} frozen`);
  if (report.alerts.length > 0) problems.push(counted(report.alerts.length, "alert", "alerts"));
  if (logs.length === 0) return { good: false, text: "The run has no record of what it read." };
  if (problems.length) return { good: false, text: `${problems.join("; ")}.` };
  return { good: true, text: `All ${counted(read, "row", "rows")} read have exactly one fate; none was rejected, no file was left out.` };
}

function addsUp(log) {
  return (log.rows_read ?? 0) === FATES.reduce((sum, [column]) => sum + (log[column] ?? 0), 0);
}

/** What can still change, until when, and why. */
function showNotFinal(report, app) {
  const place = byId("pending");
  const states = report.ids.map((_, index) => report.finalState(index));
  const open = [...states.keys()].filter((index) => states[index] === "no");
  const unknown = states.filter((state) => state === "unknown").length;
  const text = (open.length === 0 ? "Every delivery whose deadlines are known is final." : `${counted(open.length, "delivery is", "deliveries are")} not final yet.`)
    + (unknown ? ` Of ${number(unknown)} it is not known: no message has a deadline.` : "")
    + " Asynchronous bounces, opens, clicks and corrections can still come afterwards.";
  const list = el("div");
  fill(place, el("p", { id: "not-final-count", text }), list);
  if (open.length === 0) return;
  new Table({
    place: list,
    caption: "Deliveries that are not final yet",
    sort: { key: "final_at", down: false },
    size: 25,
    open: (index) => app.select(report.ids[index]),
    columns: [
      ...deliveryColumns(report),
      { key: "final_at", name: "until", class: "instant", value: (index) => report.get("final_at", index), cell: (index) => untilOf(report, index) },
      { key: "why", name: "why", class: "text", cell: (index) => report.waitsFor(index).join(", ") || "not known" },
      { key: "pending", name: "pending", numeric: true, value: (index) => report.get("pending", index), cell: (index) => number(report.get("pending", index)) },
    ],
  }).setRows(open);
}

function untilOf(report, index) {
  const at = report.get("final_at", index);
  return at >= report.asOfOf(index) ? report.clock.short(at) : `passed ${report.clock.short(at)}`;
}

/** Identifier and label, for rows that are deliveries by index. */
function deliveryColumns(report) {
  return [
    {
      key: "delivery_id", name: "delivery", class: "delivery", value: (index) => report.ranks("delivery_id")[index],
      cell: (index) => deliveryLink(report.ids[index]),
    },
    {
      key: "label", name: "label", class: "label", value: (index) => report.ranks("label")[index],
      cell: (index) => foreign(report.get("label", index) ?? NONE, { class: "clamp" }),
    },
  ];
}

function showAlerts(report, app) {
  const place = byId("alert-list");
  if (report.alerts.length === 0) {
    fill(place, el("p", { class: "hint", text: "No alert. The job sets the thresholds; without any, nothing is watched." }));
    return;
  }
  const list = el("div");
  fill(place, list);
  const shown = (value) => (value === null || value === undefined ? NONE : String(Number(value.toPrecision(6))));
  new Table({
    place: list,
    caption: "Alerts",
    sort: { key: "rule", down: false },
    size: 25,
    open: (alert) => alert.delivery_id !== null && app.select(alert.delivery_id),
    columns: [
      { key: "rule", name: "rule", class: "text", value: (alert) => alert.rule, cell: (alert) => foreign(alert.rule) },
      { key: "is_new", name: "since", title: "raised by this run, or by an earlier one", value: (alert) => Number(alert.is_new), cell: (alert) => (alert.is_new ? "this run" : "before") },
      {
        key: "delivery_id", name: "delivery", class: "delivery", value: (alert) => report.ranks("delivery_id")[report.indexOf.get(alert.delivery_id)] ?? -1,
        cell: (alert) => (alert.delivery_id === null ? foreign(alert.log ?? "the run") : deliveryLink(alert.delivery_id)),
      },
      { key: "message", name: "message", class: "text", cell: (alert) => foreign(alert.message) },
      { key: "value", name: "value", numeric: true, value: (alert) => alert.value, cell: (alert) => shown(alert.value) },
      { key: "threshold", name: "threshold", numeric: true, value: (alert) => alert.threshold, cell: (alert) => shown(alert.threshold) },
    ],
  }).setRows(report.alerts);
}

function showQuality(report) {
  const { run, clock } = report;
  const logs = run.logs ?? [];
  const parts = [];
  const heads = ["extract", "#read", ...FATES.map(([, name]) => `#${name}`), "adds up"];
  parts.push(el("p", { text: "Every row that was read has one fate. Only the counted ones are in the numbers." }));
  parts.push(plainTable("Rows by what became of them", heads, logs.map((log) => [logName(log.log), number(log.rows_read),
    ...FATES.map(([column]) => number(log[column] ?? 0)), addsUp(log) ? "yes" : "NO"])));
  parts.push(plainTable("Given apart, and files", ["extract", ...APART.map(([, name]) => `#${name}`), "#files read", "#files left out", "#files not verified", "newest row"],
    logs.map((log) => [logName(log.log), ...APART.map(([column]) => number(log[column] ?? 0)), number(log.files_read), number(log.files_skipped),
      number(log.files_unverified), newestOf(report, log)])));
  parts.push(el("p", { class: "hint", text: "Unknown types, test rows and orphans (tracking rows of messages that have not entered the log) are among the counted rows. Files not verified have no checksums." }));
  parts.push(...rejectionParts(run), ...skippedParts(run), ...frozenParts(report));
  if (run.tables?.length) {
    parts.push(plainTable("What the run did to its tables", ["table", "#rows inserted", "#changed", "#removed", "#the same"],
      run.tables.map((table) => [table.table, number(table.rows_inserted), number(table.rows_changed), number(table.rows_removed), number(table.rows_unchanged)])));
  }
  const stages = Object.entries(run.stage_seconds ?? {});
  if (stages.length) {
    parts.push(plainTable("Time by stage", ["stage", "#seconds"], stages.map(([stage, seconds]) => [stage, seconds.toFixed(2)])));
  }
  const [from, to] = [parsed(run.started_at), parsed(run.finished_at)];
  parts.push(el("p", { class: "hint", text: `Run ${number(run.run_number)}, ${(run.mode ?? "").replaceAll("_", " ")}, from ${clock.long(from)} to ${clock.long(to)}; deadlines: ${run.deadline ?? NONE}; version ${run.program_version ?? NONE}.` }));
  fill(byId("quality-body"), ...parts);
}

function newestOf(report, log) {
  const at = parsed(log.newest_event_at);
  if (at === null) return NONE;
  const ahead = report.asOf === null ? null : report.asOf - at;
  const age = ahead === null ? "" : ahead >= 0 ? `, ${span(ahead)} before as-of` : `, ${span(ahead)} after as-of`;
  return report.clock.short(at) + age;
}

function rejectionParts(run) {
  const rejections = run.rejections ?? [];
  if (rejections.length === 0) return [el("p", { class: "hint", text: "No row was rejected." })];
  const rows = [...rejections].sort((a, b) => b.rows - a.rows)
    .map((one) => [logName(one.log), foreign(one.column), foreign(one.reason), number(one.rows)]);
  return [plainTable("Rejected rows by reason", ["extract", "column", "reason", "#rows"], rows)];
}

function skippedParts(run) {
  const files = run.skipped_files ?? [];
  const total = run.skipped_files_total ?? files.length;
  if (total === 0) return [el("p", { class: "hint", text: "No file was left out." })];
  const caption = files.length < total ? `Files left out: the first ${number(files.length)} of ${number(total)}` : "Files left out";
  return [plainTable(caption, ["extract", "file", "reason"], files.map((one) => [logName(one.log), foreign(one.file), foreign(one.reason)]))];
}

function frozenParts(report) {
  const frozen = [...report.frozen];
  if (frozen.length === 0) return [];
  const most = frozen.slice(0, 100);
  const links = most.flatMap((id, place) => [place ? ", " : "", report.indexOf.has(id) ? deliveryLink(id) : foreign(id)]);
  return [el("p", {}, `Frozen, because files with rows of them are gone: `, ...links,
    frozen.length > most.length ? ` and ${number(frozen.length - most.length)} more` : "")];
}

function showRestatements(report, app) {
  const place = byId("restated");
  const { raw, clock } = report;
  const list = raw.restatements;
  if (!list) {
    fill(place, switchOn("Restatements are not in this report.", "restatements = true"));
    return;
  }
  const size = list.delivery_id.length;
  if (size === 0) {
    fill(place, el("p", { class: "hint", text: "No hour has changed after it had ended." }));
    return;
  }
  const hours = new Set(list.delivery_id.map((id, row) => `${list.hour[row]} ${id}`)).size;
  const shown = list.has_more ? " There are older ones, which are not here." : "";
  const rows = el("div");
  fill(place, el("p", {
    text: `${list.has_more ? "The newest " : ""}${counted(size, "number", "numbers")} changed in hours that had already ended.${shown} They are of ${counted(hours, "hour", "hours")} of ${counted(report.restated.size, "delivery", "deliveries")}.`,
  }), rows);
  const count = (key) => ({ key, name: key, numeric: true, value: (row) => list[key][row], cell: (row) => number(list[key][row]) });
  const ids = ranksOf(list.delivery_id);
  new Table({
    place: rows,
    caption: "Restatements",
    sort: { key: "as_of", down: true },
    size: 25,
    open: (row) => app.select(list.delivery_id[row]),
    columns: [
      { key: "delivery_id", name: "delivery", class: "delivery", value: (row) => ids[row], cell: (row) => deliveryLink(list.delivery_id[row]) },
      { key: "hour", name: "hour", class: "instant", numeric: true, value: (row) => list.hour[row], cell: (row) => clock.hour(list.hour[row]) },
      { key: "counter", name: "counter", value: (row) => nameOf(list.counter[row]), cell: (row) => nameOf(list.counter[row]) },
      count("before"),
      count("after"),
      {
        key: "change", name: "change", numeric: true, value: (row) => changeOf(list, row), cell: (row) => signed(changeOf(list, row)),
      },
      { key: "cause", name: "cause", value: (row) => list.cause[row], cell: (row) => foreign(list.cause[row]) },
      { key: "as_of", name: "run as of", class: "instant", title: "the run that changed it", value: (row) => list.as_of[row], cell: (row) => clock.short(parsed(list.as_of[row])) },
    ],
  }).setRows([...list.delivery_id.keys()]);
}

function changeOf(list, row) {
  return (list.after[row] ?? 0) - (list.before[row] ?? 0);
}
