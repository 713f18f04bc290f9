"""What is printed: Markdown tables and ratios."""
from .cases import FLOOR, OURS, PEER


def markdown(header, rows, texts=1):
    """A table whose columns line up also as plain text; the first `texts` columns are text, the others numbers."""
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]

    def line(cells):
        return "| " + " | ".join(f"{cell:{'<' if i < texts else '>'}{widths[i]}}" for i, cell in enumerate(cells)) + " |"
    rule = ["-" * width if i < texts else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    return "\n".join(line(cells) for cells in [header, rule, *rows])


def span(values, digits):
    return f"{values['median']:.{digits}f} ({values['min']:.{digits}f} – {values['max']:.{digits}f})"


def measures(results):
    """A row of every case. `× first`: time per row in terms of the first case of the same program."""
    header = ["case", "program", "rows", "wall, s: median (min – max)", "CPU, s", "s per M rows", "× first",
              "peak, MB: median (min – max)"]
    counted = {case.data: result["rows"] for case, result in results.items() if "rows" in result}
    first, rows = {}, []
    for case, result in results.items():
        n = counted.get(case.data)
        per_row = result["seconds"]["median"] / n * 1e6 if n else None
        base = first.setdefault(case.program, per_row)
        rows.append([case.name, case.program, str(n or ""), span(result["seconds"], 2),
                     f"{result['cpu_seconds']['median']:.2f}", f"{per_row:.4f}" if n else "",
                     f"{per_row / base:.2f}" if n else "", span(result["peak_mb"], 0)])
    return markdown(header, rows, texts=2)


def ratios(results):
    """By case name, of the medians: ours to the floor, the peer to ours."""
    by_name = {}
    for case, result in results.items():
        by_name.setdefault(case.name, {})[case.program] = result

    def ratio(programs, a, b, measure):
        if a not in programs or b not in programs:
            return ""
        return f"{programs[a][measure]['median'] / programs[b][measure]['median']:.2f}"
    rows = [[name, ratio(programs, OURS, FLOOR, "seconds"), ratio(programs, PEER, OURS, "seconds"),
             ratio(programs, PEER, OURS, "peak_mb")] for name, programs in by_name.items() if len(programs) > 1]
    return markdown(["case", "ours / floor", "DuckDB / ours", "DuckDB / ours, memory"], rows) if rows else ""


def stages(results):
    """Median seconds of each stage of our runs."""
    ours = {case.name: result["stage_seconds"] for case, result in results.items() if case.program == OURS}
    if not ours:
        return ""
    names = list(dict.fromkeys(stage for by_stage in ours.values() for stage in by_stage))
    rows = [[stage, *(f"{by[stage]['median']:.3f}" if stage in by else "" for by in ours.values())] for stage in names]
    return markdown(["stage, s", *ours], rows)
