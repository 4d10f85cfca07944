"""bench/throughput and bench/ndr measure, and find out a contender that does not do its work."""

import json
import os
import subprocess
import sys

import pytest
from harness.afxfw import BUILD
from harness.lab import ROOT

sys.path.insert(0, str(ROOT / "bench"))

from measure.contenders import Cpus  # noqa: E402
from measure.flood import Flood  # noqa: E402
from measure.kernel_contenders import XdpFilter  # noqa: E402
from measure.process import MeasurementError  # noqa: E402
from measure.runs import Bench, Schedule  # noqa: E402
from measure.setting import PROGRAMS  # noqa: E402
from measure.traffic import Traffic  # noqa: E402


def bench_program(name, lab_prefix, *options):
    done = subprocess.run([ROOT / "bench" / name, "--build-dir", BUILD, *map(str, options)],
                          env={**os.environ, "AFXFW_LAB_PREFIX": lab_prefix()},
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_throughput_counts_what_an_lpm_trie_drops(lab_prefix, tmp_path):
    text = bench_program("throughput", lab_prefix, "--only", "^ipv6$", "--contenders", "LPM",
                         "--rounds", 1, "--seconds", 0.3, "--results", tmp_path)
    assert "LPM trie in XDP, 120 k" in text
    result, = json.loads((tmp_path / "throughput.json").read_text(encoding="utf-8"))["results"]
    contender, = result["contenders"]
    run, = contender["rounds"]
    total = run["report"]["total"]
    assert run["processed"] == run["sent"] == total["received"] > 1000
    assert total["dropped"] + total["accepted"] == total["received"]
    assert contender["pps"]["median"] == run["pps"] > 0
    assert run["cpu_ns"] > 0


def test_ndr_finds_a_rate_without_loss(lab_prefix, tmp_path):
    bench_program("ndr", lab_prefix, "--only", "ndr-count", "--contenders", "bare", "--rounds", 1,
                  "--seconds", 0.2, "--resolution", 0.4, "--tolerance", 0.5, "--results", tmp_path)
    result, = json.loads((tmp_path / "ndr.json").read_text(encoding="utf-8"))["results"]
    contender, = result["contenders"]
    found, = contender["rounds"]
    assert all(trial["loss"] <= 1 for trial in found["trials"])
    if found["pps"] > 0:
        assert found["pps"] in [trial["pps"] for trial in found["trials"] if trial["loss"] <= 0.5]


def test_a_contender_that_lets_everything_through_is_an_error(lab_prefix):
    pktgen = BUILD / PROGRAMS["afxfw-pktgen"]
    bench = Bench(pktgen, "", ROOT / "tools" / "lab", lab_prefix(), Cpus(0, 1), print)
    # Says that it drops all, but has no rule that does.
    idle = XdpFilter("xdp-filter", "ipv4", [])
    with pytest.raises(MeasurementError, match="arrived at the host, but 0 should have"):
        Flood("test", "Test", Traffic(), [idle]).run(bench, Schedule(1, 0, 0.2))
