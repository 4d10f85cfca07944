"""afxfw-pktgen --receive: what --stamp's packets tell about their way, to the packet."""

import itertools
import signal
import struct
import time

import pytest
from harness.frames import Flow, send, tcp, udp
from harness.pktgen import PktgenReceiver, pktgen

pytestmark = pytest.mark.lab(topology="pair", queues=2)

FLOWS = 64
COUNT = 20_003
RATE = 40_000
ANOTHER_RUN = 9


@pytest.fixture(scope="module", autouse=True)
def takes_live_frames(lab):
    """A veth without an XDP program does when GRO is turned on; UDP is not merged by it."""
    for state in ("off", "on"):
        lab["fw"].run("ethtool", "-K", "eth0", "gro", state)


@pytest.fixture(params=["live", "xsk"])
def method(request):
    return request.param


def stamp(flow, sequence, run=1, age_ns=0):
    """As the man page has it."""
    sent = (time.monotonic_ns() - age_ns) % 2**48
    return (b"AfXs" + struct.pack("!II", run << 24 | flow, sequence)
            + struct.pack("!Q", sent)[2:])


def check_clean(report, count, flows):
    assert (report["end"], report["received"], report["distinct"]) == ("count", count, count)
    for problem in ("lost", "reordered", "duplicated", "too_late", "other_runs",
                    "receiver_dropped"):
        assert report[problem] == 0, problem
    assert report["flows"] == {"seen": flows, "missing": 0, "with_loss": 0, "with_reordering": 0,
                               "with_duplicates": 0}


class TestPacketsOfTheSender:
    def test_all_arrive(self, lab, method, version):
        sender = {"method": method, "stamp": True, "flows": FLOWS, "count": COUNT, "rate": RATE,
                  "ipv6": True if version == 6 else None}
        with PktgenReceiver(lab["fw"], count=COUNT, flows=FLOWS, duration=30) as receiver:
            sent = pktgen(lab["gen"], dst_mac=lab["fw"].mac, **sender)
            report = receiver.report()
        assert sent["sent"] == COUNT
        check_clean(report, COUNT, FLOWS)
        assert report["bytes"] == sent["bytes"]
        latency = report["latency_ns"]
        assert (latency["count"], latency["negative"]) == (COUNT, 0)
        ascending = [latency[key] for key in ("min", "p50", "p90", "p99", "p99.9", "max")]
        assert ascending == sorted(ascending)
        assert 0 < latency["min"] and latency["max"] < sent["duration_s"] * 1e9

    def test_keep_their_order_with_two_threads(self, lab):
        with PktgenReceiver(lab["fw"], count=COUNT, flows=FLOWS, duration=30) as receiver:
            pktgen(lab["gen"], dst_mac=lab["fw"].mac, method="xsk", stamp=True, flows=FLOWS,
                   count=COUNT, rate=RATE, threads=2)
            check_clean(receiver.report(), COUNT, FLOWS)


def test_what_afxfw_blocks_is_lost_and_the_rest_arrives_once(lab, start_afxfw, mode, tmp_path):
    """Flow N has source 198.18.4.N, so the block of 16 addresses is of 16 flows."""
    blocked = range(32, 48)
    rounds = 40
    blocklist = tmp_path / "blocklist"
    blocklist.write_text("198.18.4.32/28\n")
    start_afxfw(lab["fw"], "--mode", mode, "--blocklist", blocklist)
    with PktgenReceiver(lab["fw"], count=256 * rounds, flows=256, idle_timeout=2,
                        list_flows=17) as receiver:
        sent = pktgen(lab["gen"], dst_mac=lab["fw"].mac, proto="tcp", dport=443, stamp=True,
                      flows=256, order="sequential", src="198.18.4.0/24", dst="198.18.0.1",
                      method="xsk", count=256 * rounds, rate=20_000)["sent"]
        report = receiver.report()
    assert sent == 256 * rounds
    assert report["end"] == "idle"
    assert report["received"] == report["distinct"] == sent - len(blocked) * rounds
    assert (report["lost"], report["duplicated"], report["reordered"]) == (
        len(blocked) * rounds, 0, 0)
    assert report["flows"]["missing"] == report["flows"]["with_loss"] == len(blocked)
    lost = {flow["flow"]: flow["lost"] for flow in report["worst_flows"]}
    assert lost == {**{flow: rounds for flow in blocked}, 0: 0}
    assert report["worst_flows"][-1]["source"] == "198.18.4.0"


class TestPathOfItsOwn:
    """Frames made and put out of order by the test."""

    def receive(self, lab, payloads, make=udp, **options):
        flow = Flow(lab["gen"], lab["fw"])
        with PktgenReceiver(lab["fw"], duration=20, list_flows=100, **options) as receiver:
            send(lab["gen"], [flow.frame(make(1024, 9, data=data)) for data in payloads])
            return receiver.report()

    def test_counts_each_kind_by_flow(self, lab):
        paths = {
            0: [0, 1, 2, 3, 4, 5],        # as sent
            1: [0, 1, 4, 5],              # 2 and 3 lost
            2: [0, 1, 2, 6, 3, 4, 5, 7],  # 6 too early: three come after it
            3: [0, 0, 1, 2, 1, 3, 3],     # three twice
            4: [1, 0, 5, 3, 3],           # 2 and 4 lost, two late, one twice
            6: [2],                       # and flow 5 does not come at all
        }
        expected = {  # received, lost of 8, reordered, duplicated
            0: (6, 2, 0, 0), 1: (4, 4, 0, 0), 2: (8, 0, 3, 0), 3: (7, 4, 0, 3),
            4: (5, 4, 2, 1), 5: (0, 8, 0, 0), 6: (1, 7, 0, 0), 7: (0, 8, 0, 0),
        }
        turns = itertools.zip_longest(*paths.values())
        stamps = [stamp(flow, number) for turn in turns
                  for flow, number in zip(paths, turn) if number is not None]
        others = [b"", b"no stamp here, but as long", stamp(0, 77, run=ANOTHER_RUN)]
        report = self.receive(lab, stamps + others, make=tcp, count=64, flows=8, idle_timeout=1)
        flows = {flow["flow"]: tuple(flow[key] for key in ("received", "lost", "reordered",
                                                           "duplicated"))
                 for flow in report["worst_flows"]}
        assert flows == expected
        totals = tuple(map(sum, zip(*expected.values())))
        assert (report["received"], report["lost"], report["reordered"],
                report["duplicated"]) == totals
        assert (report["foreign"], report["other_runs"]) == (2, 1)
        assert report["flows"] == {"seen": 6, "missing": 2, "with_loss": 7, "with_reordering": 2,
                                   "with_duplicates": 2}
        assert report["end"] == "idle"

    def test_knows_of_gaps_without_being_told_what_was_sent(self, lab):
        report = self.receive(lab, [stamp(0, 0), stamp(0, 2), stamp(3, 1)], idle_timeout=1)
        assert report["lost"] == 2
        assert report["flows"]["missing"] == 2

    def test_measures_the_time_since_the_stamp(self, lab):
        age_ns = 250_000_000
        report = self.receive(lab, [stamp(0, n, age_ns=age_ns) for n in range(100)],
                              idle_timeout=1)
        latency = report["latency_ns"]
        assert latency["count"] == 100
        assert age_ns < latency["min"] <= latency["p50"] < age_ns + 200_000_000

    def test_calls_a_stamp_of_the_future_negative(self, lab):
        report = self.receive(lab, [stamp(0, 0, age_ns=-10**10)], idle_timeout=1)
        assert (report["latency_ns"]["count"], report["latency_ns"]["negative"]) == (0, 1)


def test_a_signal_ends_it_with_a_report(lab):
    with PktgenReceiver(lab["fw"]) as receiver:
        send(lab["gen"], [Flow(lab["gen"], lab["fw"]).frame(udp(1, 9, data=stamp(0, 0)))])
        receiver.send(signal.SIGINT)
        report = receiver.report()
    assert (report["end"], report["received"]) == ("signal", 1)


def test_the_time_ends_it(lab):
    started = time.monotonic()
    with PktgenReceiver(lab["fw"], duration=0.5) as receiver:
        assert receiver.report()["end"] == "duration"
    assert 0.5 <= time.monotonic() - started < 5
