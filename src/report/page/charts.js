// Charts, drawn by the library as SVG. Colours are variables of the style sheet: they follow light, dark
// and paper without being drawn again. Series differ by line and marker too, not only by colour.

const LINES = ["solid", "dashed", "dotted", [12, 4, 3, 4]];
const MARKS = ["circle", "triangle", "rect", "diamond", "emptyCircle", "emptyTriangle", "emptyRect", "emptyDiamond"];

/** The charts that are shown, so that they can be made fit for paper. */
const drawn = new Set();
let onPaper = false;

function colour(place) {
  return `var(--c${(place % 8) + 1})`;
}

/** Draws a chart into an element of its own, `summary` says in words what it shows. */
function draw(place, option, summary, height = 340) {
  release(place);
  const box = el("div", { class: "chart", role: "img", "aria-label": summary });
  box.style.height = `${height}px`;
  fill(place, box);
  const chart = echarts.init(box, null, { renderer: "svg" });
  chart.setOption(option);
  const observer = new ResizeObserver(() => { if (!onPaper) chart.resize(); });
  observer.observe(box);
  drawn.add({ place, chart, observer, box, below: option.dataZoom ? option.grid.bottom : null });
  return chart;
}

/** Gives back what the charts in an element hold. */
function release(place) {
  for (const entry of drawn) {
    if (place.contains(entry.box) || !entry.box.isConnected) {
      entry.observer.disconnect();
      entry.chart.dispose();
      drawn.delete(entry);
    }
  }
}

/** Paper is narrower than a screen, and has nothing to drag. */
function printCharts(printing) {
  onPaper = printing;
  for (const { chart, box, below } of drawn) {
    if (below !== null) chart.setOption({ dataZoom: [{ show: !printing }, {}], grid: { bottom: printing ? below - 40 : below } });
    chart.resize(printing ? { width: Math.min(box.clientWidth, 660) } : { width: "auto" });
    // The printer does not wait for the next frame.
    chart.getZr().flush();
  }
}

const INK = "var(--ink)";
const SOFT = "var(--soft)";

function valueAxis(formatter) {
  return {
    type: "value",
    axisLabel: { color: SOFT, formatter, hideOverlap: true },
    splitLine: { lineStyle: { color: "var(--line)" } },
    axisLine: { show: false },
  };
}

function categoryAxis(data, extra = {}) {
  const { axisLabel, ...others } = extra;
  return {
    type: "category",
    data,
    axisLabel: { color: SOFT, hideOverlap: true, lineHeight: 15, ...axisLabel },
    axisLine: { onZero: false, lineStyle: { color: SOFT } },
    axisTick: { lineStyle: { color: SOFT } },
    ...others,
  };
}

function tooltip(formatter, extra = {}) {
  return {
    confine: true,
    backgroundColor: "var(--card)",
    borderColor: "var(--line)",
    textStyle: { color: INK },
    formatter,
    ...extra,
  };
}

/** What a tooltip shows: a title, and the value of each series. */
function tipOf(title, rows) {
  return el("div", { class: "tip" }, el("b", { text: title }), ...rows.map(([marker, name, value]) => {
    const dot = el("span", { class: "dot" });
    dot.style.background = marker;
    return el("div", {}, dot, foreign(name), el("span", { class: "tip-value", text: value }));
  }));
}

/**
 * Lines over categories. `series`: `name`, `values`, and `colour` by its place; `format` is for values,
 * `axis` for those at the axis.
 */
function lineOption({ categories, series, format, axis = format, label, title, name }) {
  return {
    animation: false,
    color: series.map((_, place) => colour(place)),
    grid: { left: 12, right: 24, top: 44, bottom: name ? 72 : 50, containLabel: true },
    legend: {
      type: "scroll", top: 4, textStyle: { color: INK }, inactiveColor: "var(--off)", itemWidth: 34,
      pageTextStyle: { color: INK }, pageIconColor: INK, pageIconInactiveColor: "var(--off)",
      formatter: (text) => shortened(text, 36),
    },
    tooltip: tooltip((points) => tipOf(title(points[0].dataIndex),
      points.map((point) => [point.color, point.seriesName, format(point.value ?? null)])), { trigger: "axis" }),
    xAxis: categoryAxis(categories, {
      boundaryGap: false, axisLabel: { formatter: label }, name, nameLocation: "middle", nameGap: 32,
      nameTextStyle: { color: SOFT },
    }),
    yAxis: valueAxis(axis),
    dataZoom: [slider(), { type: "inside", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false }],
    series: series.map(({ name: own, values }, place) => ({
      name: own,
      type: "line",
      data: values,
      symbol: MARKS[place % MARKS.length],
      symbolSize: 8,
      lineStyle: { type: LINES[place % LINES.length], width: 2 },
      emphasis: { disabled: true },
      // Thousands of points are thinned out for the picture only.
      sampling: values.length > 3000 ? "lttb" : undefined,
    })),
  };
}

function slider() {
  const shape = { lineStyle: { color: SOFT, opacity: 0.5 }, areaStyle: { color: SOFT, opacity: 0.15 } };
  return {
    type: "slider", bottom: 8, height: 26, showDetail: false, brushSelect: false, borderColor: "var(--line)",
    backgroundColor: "transparent", fillerColor: "var(--wash)", dataBackground: shape,
    selectedDataBackground: shape, handleStyle: { color: "var(--card)", borderColor: SOFT },
    moveHandleStyle: { color: SOFT, opacity: 0.4 }, emphasis: { handleStyle: { borderColor: INK }, moveHandleStyle: { color: SOFT, opacity: 0.7 } },
  };
}

/** Bars from the top down, one for each name. `colours` by bar. */
function barOption({ names, values, colours, patterns, format, axis = format }) {
  return {
    animation: false,
    aria: { enabled: true, label: { enabled: false } },
    grid: { left: 8, right: 64, top: 8, bottom: 8, containLabel: true },
    tooltip: tooltip((point) => tipOf(point.name, [[point.color, "", format(point.value ?? null)]]), { trigger: "item" }),
    xAxis: { ...valueAxis(axis), splitNumber: 3, min: 0 },
    yAxis: categoryAxis(names, { inverse: true, axisLabel: { formatter: (text) => shortened(text, 22), color: INK, hideOverlap: false, interval: 0 } }),
    series: [{
      type: "bar",
      barMaxWidth: 18,
      data: values.map((value, place) => ({
        value,
        itemStyle: { color: colours[place], borderColor: colours[place], decal: patterns?.[place] },
      })),
      emphasis: { disabled: true },
      label: { show: true, position: "right", color: INK, formatter: (point) => format(point.value ?? null) },
    }],
  };
}

/** Bars from the top down, one for each name, of several `series` that add up: `name`, `values` and `colour`. */
function stackOption({ names, series, format }) {
  const sum = (at) => format(series.reduce((all, one) => all + one.values[at], 0));
  return {
    animation: false,
    aria: { enabled: true, label: { enabled: false } },
    grid: { left: 8, right: 64, top: 36, bottom: 8, containLabel: true },
    legend: { top: 4, left: 0, selectedMode: false, textStyle: { color: INK } },
    tooltip: tooltip((points) => tipOf(names[points[0].dataIndex], [
      ...points.map((point) => [point.color, point.seriesName, format(point.value)]),
      ["transparent", "both", sum(points[0].dataIndex)]]), { trigger: "axis", axisPointer: { type: "none" } }),
    xAxis: { ...valueAxis(format), splitNumber: 3, minInterval: 1 },
    yAxis: categoryAxis(names, { inverse: true, axisLabel: { formatter: (text) => shortened(text, 22), color: INK, hideOverlap: false, interval: 0 } }),
    series: series.map((one, place) => ({
      name: one.name,
      type: "bar",
      stack: "all",
      barMaxWidth: 18,
      // Nothing has no border either, but still its label.
      data: one.values.map((value) => (value === 0 ? { value, itemStyle: { borderWidth: 0 } } : { value })),
      itemStyle: { color: one.colour, borderColor: one.colour, decal: pattern(place) },
      emphasis: { disabled: true },
      label: { show: place === series.length - 1, position: "right", color: INK, formatter: (point) => sum(point.dataIndex) },
    })),
  };
}

/** A pattern for bars that differ in kind, for those who do not see the colours apart. */
function pattern(place) {
  const color = "var(--card)";
  const shared = { color, dashArrayX: [1, 0] };
  return [
    { symbol: "none" },
    { ...shared, dashArrayY: [3, 4], rotation: -Math.PI / 4 },
    { color, symbol: "circle", symbolSize: 0.6, dashArrayX: [[6, 6], [0, 6, 6, 0]], dashArrayY: [5, 0] },
    { ...shared, dashArrayY: [2, 5], rotation: 0 },
    { ...shared, dashArrayY: [3, 4], rotation: Math.PI / 4 },
    { ...shared, dashArrayY: [2, 5], rotation: Math.PI / 2 },
    { color, symbol: "rect", symbolSize: 0.7, dashArrayX: [[5, 5], [0, 5, 5, 0]], dashArrayY: [4, 0] },
    { color, symbol: "triangle", symbolSize: 0.7, dashArrayX: [[7, 7], [0, 7, 7, 0]], dashArrayY: [6, 0] },
  ][place % 8];
}

const percentAxis = (value) => `${Number((value * 100).toPrecision(6))}\u00a0%`;
