"""Results, which are JSON, as tables: for a terminal or as Markdown."""

import textwrap

from .cpu import machine_text
from .comparison import QUANTITIES, place

WIDTH = 100


class Table:
    """Rows of texts; the first column is left-aligned, the others right."""

    def __init__(self, *header):
        self.rows = [list(header)]

    def add(self, *cells):
        self.rows.append(list(cells))

    def plain(self):
        widths = [max(len(row[i]) for row in self.rows) for i in range(len(self.rows[0]))]
        return "\n".join(
            "  " + "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                             for i, (cell, width) in enumerate(zip(row, widths))).rstrip()
            for row in self.rows)

    def markdown(self):
        lines = ["| " + " | ".join(row) + " |" for row in self.rows]
        lines.insert(1, "|---" + "|---:" * (len(self.rows[0]) - 1) + "|")
        return "\n".join(lines)


def core_text(states):
    """Shares of a core: user / system / softirq."""
    return " / ".join(f"{share:.0%}" for share in (
        states["user"] + states["nice"], states["system"] + states["irq"], states["softirq"]))


def nearness(rounds):
    """In how many of the rounds the CPUs were behind one cache, where that is known."""
    if any(None in run.get("distances", [None]) for run in rounds):
        return ""
    return f"{sum(place(run) == 'near' for run in rounds)} of {len(rounds)}"


def flood_table(result):
    table = Table("", "Mpps", "min", "max", "ns CPU/packet", "loss",
                  "generator's core: user/system/softirq", "worker's core", "CPUs near")
    for contender in result["contenders"]:
        pps = contender["pps"]
        table.add(contender["name"], *(f"{pps[which] / 1e6:.2f}" for which in
                                       ("median", "min", "max")),
                  f"{contender['cpu_ns']['median']:.0f}", f"{contender['loss']['median']:.2%}",
                  core_text(contender["cpu"]["generator"]), core_text(contender["cpu"]["worker"]),
                  nearness(contender["rounds"]))
    return table


def ping_table(result):
    table = Table("", "p50, µs", "min", "max", "p99, µs", "min", "max")
    for contender in result["contenders"]:
        table.add(contender["name"], *(f"{contender[percentile][which]:.0f}"
                                       for percentile in ("p50", "p99")
                                       for which in ("median", "min", "max")))
    return table


def series_table(result):
    """Medians in Mpps; a column a contender."""
    table = Table(result["x_label"], *(line["name"] for line in result["lines"]))
    for x in dict.fromkeys(point["x"] for line in result["lines"] for point in line["points"]):
        table.add(f"{x:,}", *(next((f"{point['pps']['median'] / 1e6:.2f}"
                                    for point in line["points"] if point["x"] == x), "")
                              for line in result["lines"]))
    return table


def spread_table(result, title, quantity, text):
    """One quantity of the contenders; text: of a value."""
    table = Table("", title, "min", "max")
    for contender in result["contenders"]:
        table.add(contender["name"], *(text(contender[quantity][which])
                                       for which in ("median", "min", "max")))
    return table


def ndr_table(result):
    return spread_table(result, "Mpps without loss", "pps", lambda pps: f"{pps / 1e6:.3f}")


def program_table(result):
    return spread_table(result, "ns a run", "run_ns", lambda ns: f"{ns:.1f}")


def latency_table(result):
    """Medians over the rounds; a row a contender and load."""
    table = Table(f"µs, {result['what']}", "load", "p50", "p90", "p99", "p99.9", "loss")
    for line in result["lines"]:
        for point in line["points"]:
            table.add(line["name"], f"{point['x']} %",
                      *(f"{point[name]['median']:.0f}" for name in ("p50", "p90", "p99", "p99.9")),
                      f"{point['loss']['median']:.3%}")
    return table


# By kind: how the table is made, and of what in the result.
TABLES = {"flood": (flood_table, "contenders"), "ping": (ping_table, "contenders"),
          "program": (program_table, "contenders"),
          "series": (series_table, "lines"), "ndr": (ndr_table, "contenders"),
          "latency": (latency_table, "lines")}


def table_of(result):
    """None if nothing was measured."""
    make, of = TABLES[result["kind"]]
    return make(result) if result[of] else None


def number(kind, value):
    return {"ratio": f"{value:.3f}", "added": f"{value:+.0f} µs",
            "no more than": f"{value:.3%}"}[kind]


def verdict(comparison):
    return {True: "reached", False: "missed", None: ""}[comparison["reached"]]


def bar_text(comparison):
    if comparison["kind"] == "no more than":
        return f"<= {number(comparison['kind'], comparison['bar']['max'])}"
    return comparison["bar"] or ""


def comparison_table(comparisons):
    table = Table("", "of", "median", "min", "max", "bar", "")
    for found in comparisons:
        joined = {"ratio": "/", "added": "added to", "no more than": "beside"}[found["kind"]]
        table.add(f"{found['subject']} {joined} {found['measure']}",
                  QUANTITIES.get(found["quantity"], found["quantity"]),
                  *(number(found["kind"], found["value"][which])
                    for which in ("median", "min", "max")),
                  bar_text(found), verdict(found))
        if found.get("far"):
            table.add("the same, CPUs far apart", QUANTITIES[found["quantity"]],
                      *(number("ratio", found["far"][which]) for which in ("median", "min", "max")),
                      "", "")
    return table


def skipped_lines(result):
    return [f"{name}: not measured: {why}" for name, why in result["skipped"].items()]


def as_text(result):
    """One result for a terminal."""
    lines = [f"{result['key']}: {result['title']}"]
    if "traffic" in result:
        lines += textwrap.wrap(result["traffic"]["title"], WIDTH)
    lines += [f"  {line}" for line in skipped_lines(result)]
    if (table := table_of(result)) is not None:
        lines.append(table.plain())
    if result["comparisons"]:
        lines.append(comparison_table(result["comparisons"]).plain())
    return "\n".join(lines)


def as_markdown(result):
    parts = [f"{result['title']}."]
    if "traffic" in result:
        parts[0] += f" {result['traffic']['title']}."
    if (table := table_of(result)) is not None:
        parts.append(table.markdown())
    if result["comparisons"]:
        parts.append(comparison_table(result["comparisons"]).markdown())
    if result["skipped"]:
        parts.append("\n".join(f"- {line}" for line in skipped_lines(result)))
    return "\n\n".join(parts)


UNITS = {"pps": lambda value: f"{value / 1e6:.2f} Mpps", "cpu_ns": lambda value: f"{value:.0f} ns",
         "loss": lambda value: f"{value:.3%} lost"}


def measured_text(result, name, quantity):
    """A contender and its median, such as "afxfw: 12.41 Mpps"."""
    contender = next(one for one in result["contenders"] if one["name"] == name)
    value = contender[quantity]["median"]
    return f"{name}: {UNITS[quantity](value) if quantity in UNITS else f'{quantity} {value:.0f} µs'}"


def targets_table(results):
    """All comparisons that have a bar, and how many of them are reached. None: there are none."""
    table = Table("", "", "against", "median", "least", "most", "bar", "")
    reached = []
    for result in results:
        for found in result["comparisons"]:
            if found["reached"] is None:
                continue
            reached.append(found["reached"])
            table.add(result["title"],
                      *(measured_text(result, found[side], found["quantity"])
                        for side in ("subject", "measure")),
                      *(number(found["kind"], found["value"][which])
                        for which in ("median", "min", "max")), bar_text(found), verdict(found))
    return (table, f"{sum(reached)} of {len(reached)} bars reached") if reached else None


def header_text(document):
    schedule = document["schedule"]
    if "trial_seconds" in schedule:
        how = (f"trials of {schedule['trial_seconds']:g} s (RFC 2544 asks for 60), "
               f"to {schedule['resolution']:.0%} of the unlimited rate, "
               f"loss up to {schedule['tolerance']:.3%} taken as none")
    else:
        how = (f"{schedule['window_seconds']:g} s each after {schedule['warm_up_seconds']:g} s of "
               "warm-up")
    return (f"{document['version']}, {machine_text(document['machine'])}; {document['time']}, "
            f"`{document['command']}`: {schedule['rounds']} rounds in turns, {how}")
