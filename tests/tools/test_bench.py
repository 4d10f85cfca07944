"""The parts of bench/throughput that need no traffic: lists, checks, comparisons, documents."""

import ipaddress
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from measure import plots  # noqa: E402
from measure.comparison import NoMoreThan, Target, compare  # noqa: E402
from measure.contender import Contender, Outcome  # noqa: E402
from measure.documents import filled_in  # noqa: E402
from measure.lists import Blocklist, Lists  # noqa: E402
from measure.ping import percentile  # noqa: E402
from measure.process import MeasurementError  # noqa: E402
from measure.runs import check  # noqa: E402
from measure.traffic import Traffic  # noqa: E402


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("entries, blocked", [(1, 0.5), (1_000, 0.5), (70_000, 0.5), (10, 0.0),
                                              (5_000, 0.25), (300, 1.0)])
def test_a_blocklist_has_its_size_and_blocks_its_share(tmp_path, version, entries, blocked):
    traffic = Traffic(version=version, blocked=blocked)
    path = Lists(tmp_path).plain(Blocklist(entries, traffic.sources, blocked))
    networks = [ipaddress.ip_network(line) for line in path.read_text().splitlines()]
    assert len(networks) == entries
    assert len(set(networks)) == entries
    # As nft demands: what collapses to the same addresses without anything twice overlaps nowhere.
    collapsed = list(ipaddress.collapse_addresses(networks))
    assert (sum(network.num_addresses for network in collapsed)
            == sum(network.num_addresses for network in networks))
    inside = sum(network.num_addresses for network in networks
                 if network.subnet_of(traffic.sources))
    assert inside / traffic.sources.num_addresses == pytest.approx(blocked, abs=0.01)


@pytest.mark.parametrize("flows", [1, 64, 1_000, 10_000])
def test_flows_are_addresses_times_ports(flows):
    traffic = Traffic(flows=flows)
    first, last = map(int, traffic.source_ports.split("-"))
    assert traffic.sources.num_addresses * (last - first + 1) == flows


class Filter(Contender):
    """Only what check() asks for."""

    def __init__(self, lossless=False, delivers=False):
        super().__init__("filter")
        self.lossless, self.delivers = lossless, delivers


class TestCheck:
    half = Traffic(blocked=0.5)

    def test_takes_what_adds_up(self):
        check(Filter(), self.half, 1000, 900, Outcome(blocked=450, lost=100), 0)
        check(Filter(delivers=True), self.half, 1000, 900, Outcome(blocked=450, lost=100), 450)

    @pytest.mark.parametrize("contender, processed, outcome, arrived, what", [
        (Filter(), 1000, Outcome(), 1000, "arrived at the host"),  # lets everything through
        (Filter(), 1000, Outcome(blocked=0), 0, "blocked 0.0%"),
        (Filter(), 0, Outcome(), 0, "none processed"),
        (Filter(), 1001, Outcome(), 0, "but 1,001 processed"),
        (Filter(), 900, Outcome(lost=99), 0, "900 processed and 99 lost"),
        (Filter(), 1000, Outcome(counted=999), 0, "it counted 999"),
        (Filter(lossless=True), 999, Outcome(), 0, "it can lose none"),
        (Filter(delivers=True), 1000, Outcome(blocked=500), 499, "but 500 should have"),
    ])
    def test_finds_what_does_not(self, contender, processed, outcome, arrived, what):
        with pytest.raises(MeasurementError, match=re.escape(what)):
            check(contender, self.half, 1000, processed, outcome, arrived)


def test_ratios_are_taken_within_rounds():
    rounds = {"a": [{"pps": 10}, {"pps": 30}, {"pps": 8}], "b": [{"pps": 20}, {"pps": 30},
                                                                 {"pps": 10}]}
    found = compare(Target("a", "b", at_least=0.8), rounds)
    assert found["value"] == {"median": 0.8, "min": 0.5, "max": 1.0}
    assert found["reached"]
    assert not compare(Target("a", "b", at_most=0.7), rounds)["reached"]
    assert compare(Target("a", "b"), rounds)["reached"] is None
    assert compare(Target("a", "not run"), rounds) is None


def test_compares_runs_in_which_the_cpus_were_as_near_each_other():
    def runs(*values):
        return [{"pps": pps, "distances": distances} for pps, distances in values]

    near, far, moved = [50, 60], [300, 310], [50, 300]
    rounds = {"a": runs((9, near), (4, far), (1, moved)), "b": runs((1, moved), (8, far), (10, near))}
    found = compare(Target("a", "b", at_least=0.8), rounds)
    assert found["value"] == {"median": 0.9, "min": 0.9, "max": 0.9} and found["reached"]
    assert found["far"]["median"] == 0.5
    # Never near in both: what there is.
    del rounds["b"][2]
    found = compare(Target("a", "b", at_least=0.8), rounds)
    assert found["value"]["median"] == 0.5 and found["far"] is None and not found["reached"]


def test_how_near_the_cpus_were_is_nothing_to_a_run_that_needs_one():
    def run(pps, distance, worker_busy):
        return {"pps": pps, "distances": [distance, distance],
                "cpu": {"worker": {"user": worker_busy, "idle": 1 - worker_busy}}}

    rounds = {"a": [run(9, 50, 1), run(4, 300, 1)], "b": [run(10, 300, 0), run(8, 50, 0)],
              "c": [run(20, 50, 0), run(10, 300, 0)]}
    found = compare(Target("a", "b"), rounds)
    assert (found["value"]["median"], found["far"]["median"]) == (0.9, 0.5)
    found = compare(Target("b", "c"), rounds)
    assert found["value"] == {"median": 0.65, "min": 0.5, "max": 0.8} and found["far"] is None


@pytest.mark.parametrize("losses, reached", [([0.2, 0.1, 0.3], True), ([0.4, 0.5, 0.1], False)])
def test_no_more_than_what_was_seen_without(losses, reached):
    rounds = {"with": [{"loss": loss} for loss in losses],
              "without": [{"loss": 0.0}, {"loss": 0.3}, {"loss": 0.1}]}
    assert compare(NoMoreThan("with", "without"), rounds)["reached"] is reached


def test_percentiles_by_nearest_rank():
    # The example of the nearest-rank method: of 15, 20, 35, 40, 50 the 40th percentile is 20.
    assert [percentile([50, 15, 40, 20, 35], percent) for percent in (5, 30, 40, 50, 100)] == [
        15, 20, 20, 35, 50]


def contender(name, pps):
    return {"name": name, "command": [name], "cpu_ns": {"median": 80.4},
            "pps": {"median": pps, "min": pps - 0.4e6, "max": pps + 0.6e6},
            "loss": {"median": 0.0}, "rounds": [{"distances": [60, 55]}, {"distances": [60, 330]}],
            "cpu": {core: {
                "user": 0.5, "nice": 0, "system": 0.25, "irq": 0, "softirq": 0.25}
                for core in ("generator", "worker")}}


RESULT = {"kind": "flood", "key": "inline", "title": "It's 50% of a_b", "skipped": {"y": "no y"},
          "traffic": {"title": "UDP"},
          "contenders": [contender("afxfw", 12.4e6), contender("x", 24.8e6)],
          "comparisons": [{"kind": "ratio", "subject": "afxfw", "measure": "x", "quantity": "pps",
                           "value": {"median": 0.5, "min": 0.4, "max": 0.6}, "bar": ">= 0.95",
                           "reached": False}]}


def test_documents_get_what_was_measured_and_keep_the_rest():
    text = ("before\n<!-- measured: throughput inline -->\nold\n<!-- end of measured -->\nbetween\n"
            "<!-- measured: throughput targets -->\n<!-- end of measured -->\n"
            "<!-- measured: scaling size -->\nkept\n<!-- end of measured -->\nafter\n")
    new = filled_in(text, {"throughput": {"results": [RESULT]}}, lambda key: f"![{key}](x.svg)")
    assert "old" not in new
    assert "| afxfw | 12.40 | 12.00 | 13.00 | 80 | 0.00% |" in new
    assert "| afxfw / x | rate | 0.500 | 0.400 | 0.600 | >= 0.95 | missed |" in new
    assert ("| It's 50% of a_b | afxfw: 12.40 Mpps | x: 24.80 Mpps | 0.500 | 0.400 | 0.600 | "
            ">= 0.95 | missed |\n\n0 of 1 bars reached.\n") in new
    assert "- y: not measured: no y" in new
    assert "![inline](x.svg)" in new
    assert "<!-- measured: scaling size -->\nkept\n<!-- end of measured -->\nafter\n" in new
    assert filled_in(new, {"throughput": {"results": [RESULT]}},
                     lambda key: f"![{key}](x.svg)") == new


@pytest.mark.skipif(not plots.available(), reason="needs gnuplot")
def test_a_plot_shows_the_contenders_by_name(tmp_path):
    svg = plots.plot(RESULT, tmp_path).read_text(encoding="utf-8")
    assert "It's 50% of a_b" in svg.replace("&#39;", "'")
    assert ">afxfw<" in svg.replace(" ", "")


@pytest.mark.parametrize("arguments", [["--only", "no such"], ["--cpus", "0"], ["--rounds", "0"],
                                       ["--record", "--quick"]])
def test_wrong_options_are_refused(arguments):
    done = subprocess.run([ROOT / "bench" / "throughput", *arguments], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 2, done.stderr


def test_recorded_results_are_whole():
    """What docs/results has can be read, and has plots."""
    for path in (ROOT / "docs" / "results").glob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document["command"].startswith("bench/")
        assert document["results"]
        for result in document["results"]:
            svg = path.parent / f"{result['key']}.svg"
            assert svg.exists() or result["kind"] in ("ping", "program") or not result.get(
                "contenders", result.get("lines")), svg
