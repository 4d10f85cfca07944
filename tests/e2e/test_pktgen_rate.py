"""afxfw-pktgen --rate: to the packet, evenly, and what was late is said."""

import os
import pty
import statistics
import struct

import pytest
from harness.capture import Capture
from harness.pktgen import PKTGEN, Pktgen, PktgenReceiver, pktgen

pytestmark = pytest.mark.lab(topology="pair", queues=2)

LATE_NS = 1_000_000


@pytest.mark.parametrize("threads", [1, 2])
def test_sends_rate_times_duration(lab, threads):
    """An odd number, so that the threads' shares differ."""
    if len(os.sched_getaffinity(0)) < threads:
        pytest.skip("needs two CPUs")
    with PktgenReceiver(lab["fw"], count=4002, idle_timeout=2) as receiver:
        sent = pktgen(lab["gen"], dst_mac=lab["fw"].mac, method="xsk", stamp=True, flows=8,
                      rate=5001, duration=0.8, threads=threads)
        received = receiver.report()
    # 4000.8 packets: the last one is due just before the end.
    assert (sent["end"], sent["sent"], sent["planned"]) == ("duration", 4001, 4001)
    assert sum(thread["sent"] for thread in sent["threads"]) == 4001
    assert (received["received"], received["lost"]) == (4001, 1)


def test_says_how_many_packets_were_late(lab):
    """Ten thousand times what it can do."""
    with Pktgen(lab["gen"], dst_mac=lab["fw"].mac, method="xsk", rate="1G",
                duration=0.2) as sender:
        report = sender.report()
        assert "cannot keep the rate" in str(sender)
    assert report["end"] == "duration"
    assert report["planned"] == 200_000_000 > report["sent"] > 0
    assert 0.2 < report["duration_s"] < 1
    # All but those of the first millisecond.
    assert 0.5 * report["sent"] < report["late"] <= report["sent"]
    assert report["most_late_us"] > 100_000


def arrival_times_ns(path):
    """Of a capture, from the first packet."""
    data = path.read_bytes()
    fraction_ns = {0xa1b2c3d4: 1000, 0xa1b23c4d: 1}[struct.unpack_from("=I", data)[0]]
    times, position = [], 24
    while position < len(data):
        seconds, fraction, length = struct.unpack_from("=III", data, position)
        times.append(seconds * 10**9 + fraction * fraction_ns)
        position += 16 + length
    return [time - times[0] for time in times]


def test_sends_each_packet_when_it_is_due(lab, tmp_path):
    file = tmp_path / "even.pcap"
    with Capture(lab["fw"], file, interface="eth0", direction="in") as capture:
        report = pktgen(lab["gen"], dst_mac=lab["fw"].mac, method="xsk", rate=2000, burst=1,
                        count=400)
        capture.wait(400)
    assert report["sent"] == 400
    shift = [time - number * 500_000 for number, time in enumerate(arrival_times_ns(file))]
    usual = statistics.median(shift)
    # The median, since this machine may have been busy with something else for a while.
    assert statistics.median(abs(ns - usual) for ns in shift) < LATE_NS


def stderr_on_a_terminal(command):
    """What a command writes there, to its end."""
    terminal, program_side = pty.openpty()
    try:
        child = os.posix_spawn("/usr/bin/env", ["env", *command], os.environ, file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, program_side, 2)])
        os.close(program_side)
        text = b""
        while True:
            try:
                more = os.read(terminal, 4096)
            except OSError:  # the program's side is closed
                break
            if not more:
                break
            text += more
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, text
        return text.decode()
    finally:
        os.close(terminal)


class TestProgress:
    def command(self, lab):
        return [str(word) for word in (
            "nsenter", f"--net={lab['gen'].namespace_path}", "--", PKTGEN, "--iface", "gen0",
            "--dst-mac", lab["fw"].mac, "--rate", 1000, "--count", 1200, "--method", "xsk")]

    def test_is_shown_on_a_terminal_and_removed(self, lab):
        text = stderr_on_a_terminal(self.command(lab))
        assert " of 1,200 packets sent, " in text
        assert "/s" in text and " s left" in text
        assert text.endswith("\r\x1b[K")

    def test_is_not_shown_elsewhere(self, lab):
        with lab["gen"].start(*self.command(lab)[3:]) as process:
            assert process.wait() == 0
            assert process.stderr_lines == []
