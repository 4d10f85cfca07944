"""afxfw-pktgen against independent counters: an XDP program and nftables."""

import json
import os
import signal
import subprocess
import time

import pytest
from harness.pktgen_pair import (
    GENERATOR, METHODS, RECEIVER, RECEIVER_MAC, NftCounter, inside, pktgen, pktgen_command, run,
    statistics)
from harness.pktgen import PKTGEN

@pytest.mark.parametrize("method", METHODS)
def test_count_is_exact(counter, method):
    report, _ = pktgen("--method", method, "--count", 500_003)
    assert report["method"] == method
    assert report["end"] == "count"
    assert report["sent"] == 500_003
    assert report["bytes"] == 500_003 * 60
    assert counter.total() == 500_003


@pytest.mark.parametrize("method", METHODS)
def test_every_packet_is_sent_once_by_several_threads(counter, method):
    """Sequential sources, so that each address must be seen equally often.

    Both threads of the live method fill the receiver's queues; what those
    refuse must be offered again, the same packet.
    """
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two CPUs")
    rounds = 12 if method == "live" else 4
    report, _ = pktgen("--method", method, "--threads", 2, "--batch", 256, "--order",
                       "sequential", "--src", "198.18.0.0/16", "--count", rounds * 65536)  # fmt: skip
    assert report["sent"] == rounds * 65536
    assert sum(thread["sent"] for thread in report["threads"]) == report["sent"]
    assert set(counter.read("sources")) == {rounds}
    assert counter.read("bad_checksums") == [0]


def test_refused_frames_are_counted_and_sent_again(counter):
    """Two threads and one receive queue of 256 frames: it overflows."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two CPUs")
    # In this order: an XDP program needs as many receive queues as the peer can send to.
    inside(GENERATOR, "ethtool", "-L", "gen0", "rx", 1, "tx", 1)
    inside(RECEIVER, "ethtool", "-L", "dut0", "rx", 1, "tx", 1)
    before = statistics(GENERATOR, "gen0")["tx"]["dropped"]
    report, _ = pktgen("--method", "live", "--threads", 2, "--batch", 256, "--order",
                       "sequential", "--src", "198.18.0.0/16", "--count", 40 * 65536)  # fmt: skip
    assert report["refused"] > 0, "the queue did not overflow: the test shows nothing"
    # veth adds to one queue's counters from both CPUs without a lock, and loses some.
    assert 0 < statistics(GENERATOR, "gen0")["tx"]["dropped"] - before <= report["refused"]
    assert report["sent"] == 40 * 65536
    assert set(counter.read("sources")) == {40}


@pytest.mark.parametrize("method", METHODS)
def test_nftables_counts_the_same(passing, method):
    receiver = NftCounter()
    report, _ = pktgen("--method", method, "--count", 100_000)
    assert report["sent"] == 100_000
    assert receiver.total() == 100_000


def test_auto_uses_live_frames_where_they_are_taken(counter):
    report, _ = pktgen("--count", 10)
    assert report["method"] == "live"
    assert counter.total() == 10, "finding out sends no frame of its own"


def test_auto_falls_back_to_af_xdp(lab):
    receiver = NftCounter()
    report, _ = pktgen("--count", 1000)
    assert report["method"] == "xsk"
    assert "native XDP program" in report["method_reason"]
    assert report["sent"] == 1000
    assert receiver.total() == 1000, "finding out sends no frame of its own"


def test_live_frames_work_with_gro_on_the_peer(lab):
    inside(RECEIVER, "ethtool", "-K", "dut0", "gro", "on")
    assert pktgen("--count", 10)[0]["method"] == "live"


def test_live_frames_that_nobody_takes_are_an_error(lab):
    report, error = pktgen("--method", "live", "--count", 10, expect=4)
    assert report["end"] == "stalled"
    assert report["sent"] == 0
    assert "gen0" in error and "--method xsk" in error


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rate", [1000, 20_000])
def test_rate_is_kept(counter, method, rate):
    # The best of three: the machine may have been busy with something else.
    for _ in range(3):
        report, _ = pktgen("--method", method, "--rate", rate, "--count", 2 * rate)
        assert report["sent"] == 2 * rate
        if report["pps"] == pytest.approx(rate, rel=0.02):
            return
    assert report["pps"] == pytest.approx(rate, rel=0.02)


def test_duration_ends_the_run(counter):
    report, _ = pktgen("--duration", 1, "--rate", 10_000)
    assert report["end"] == "duration"
    assert report["duration_s"] == pytest.approx(1, abs=0.1)
    assert report["sent"] == counter.total() == 10_000


@pytest.mark.parametrize("method", METHODS)
def test_a_signal_ends_the_run_with_a_report(counter, method):
    process = subprocess.Popen(
        pktgen_command("--method", method), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 20
    while statistics(RECEIVER, "dut0")["rx"]["packets"] < 1000:
        assert time.monotonic() < deadline, "nothing was sent"
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, error = process.communicate(timeout=20)
    assert process.returncode == 0, error
    report = json.loads(output)
    assert report["end"] == "signal"
    assert report["sent"] == counter.total()


@pytest.mark.parametrize("method", METHODS)
def test_an_interface_that_goes_away_is_an_error(counter, method):
    process = subprocess.Popen(
        pktgen_command("--method", method), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(1)
    run("ip", "-n", GENERATOR, "link", "delete", "gen0")
    output, error = process.communicate(timeout=20)
    assert process.returncode in (1, 4)
    assert "gen0" in error
    assert json.loads(output)["end"] in ("stalled", "error")


def test_an_interface_that_is_down_is_an_error(lab):
    run("ip", "-n", GENERATOR, "link", "set", "gen0", "down")
    _, error = pktgen("--count", 1, expect=4)
    assert "ip link set gen0 up" in error


def test_a_frame_larger_than_the_mtu_is_a_usage_error(lab):
    _, error = pktgen("--count", 1, "--size", 1515, expect=2)
    assert "1514" in error


def test_privileges_are_named(lab):
    result = run("nsenter", f"--net=/run/netns/{GENERATOR}", "setpriv", "--bounding-set=-all",
                 "--inh-caps=-all", PKTGEN, "--iface", "gen0", "--dst-mac", RECEIVER_MAC,
                 "--count", 1, check=False)  # fmt: skip
    assert result.returncode == 3
    assert "CAP_NET_RAW" in result.stderr
