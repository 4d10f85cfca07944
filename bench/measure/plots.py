"""Plots of results, as SVG, by gnuplot."""

import shutil
import subprocess

from .process import MeasurementError

SETTINGS = """
set terminal svg size 800,450 font "sans-serif,13" background "white" enhanced
set output {output}
set title {title} noenhanced
set ylabel {label}
set grid ytics
set yrange [0:*]
"""


def quoted(text):
    """A string for gnuplot: in single quotes nothing is special but the quote itself."""
    return "'" + str(text).replace("'", "''").replace("\n", " ") + "'"


def values(spread, divisor):
    return " ".join(f"{spread[which] / divisor:.6f}" for which in ("median", "min", "max"))


def bars_script(result, output):
    """A bar a contender, with least and most of its rounds."""
    contenders = result["contenders"]
    data = "\n".join(f"{number} {values(contender['pps'], 1e6)}"
                     for number, contender in enumerate(contenders))
    names = ", ".join(f"{quoted(contender['name'])} {number}"
                      for number, contender in enumerate(contenders))
    return (SETTINGS.format(output=quoted(output), title=quoted(result["title"]),
                            label=quoted("Mpps")) + f"$data << EOD\n{data}\nEOD\n"
            "set style fill solid 0.6\nset boxwidth 0.6\n"
            f"set xrange [-0.6:{len(contenders) - 0.4}]\n"
            f"set xtics rotate by -20 noenhanced ({names})\n"
            "plot $data using 1:2 with boxes linecolor rgb '#4477aa' notitle, "
            "$data using 1:2:3:4 with yerrorbars linecolor rgb '#222222' pointtype 0 notitle\n")


def lines_script(result, output, label, x_label, quantity, divisor, log_axes):
    """A line a contender, with least and most at each point."""
    script = SETTINGS.format(output=quoted(output), title=quoted(result["title"]),
                             label=quoted(label))
    script += f"set xlabel {quoted(x_label)}\nset key below noenhanced\n"
    if log_axes:
        script += f"set logscale {log_axes}\n"
    if "y" in log_axes:
        script += "set yrange [*:*]\n"
    plots = []
    for number, line in enumerate(result["lines"], 1):
        data = "\n".join(f"{point['x']} {values(point[quantity], divisor)}"
                         for point in line["points"])
        script += f"$line{number} << EOD\n{data}\nEOD\n"
        plots.append(f"$line{number} using 1:2:3:4 with yerrorlines linetype {number} "
                     f"linewidth 2 pointtype 7 pointsize 0.6 title {quoted(line['name'])}")
    return script + "plot " + ", ".join(plots) + "\n"


def series_script(result, output):
    return lines_script(result, output, "Mpps", result["x_label"], "pps", 1e6,
                        "x" if result["x_log"] else "")


def latency_script(result, output):
    return lines_script(result, output, "p99, µs", "load, percent of the rate without loss", "p99",
                        1, "y")


SCRIPTS = {"flood": (bars_script, "contenders"), "ndr": (bars_script, "contenders"),
           "series": (series_script, "lines"), "latency": (latency_script, "lines")}


def available():
    return shutil.which("gnuplot") is not None


def plot(result, directory):
    """Writes KEY.svg and returns its path; None if there is nothing to plot."""
    if result["kind"] not in SCRIPTS:
        return None
    make_script, what = SCRIPTS[result["kind"]]
    if not result[what]:
        return None
    path = directory / f"{result['key']}.svg"
    done = subprocess.run(["gnuplot"], input=make_script(result, path), text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise MeasurementError(f"gnuplot cannot plot {result['key']}: {done.stderr.strip()}")
    return path
