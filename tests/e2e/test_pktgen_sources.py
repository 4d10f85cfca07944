"""afxfw-pktgen --imix and --pcap: other frames than those of one size."""

import collections
import struct

import pytest
from harness.capture import Capture
from harness.frames import Flow, echo_request, tcp, udp
from harness.pktgen import Pktgen, pktgen

pytestmark = pytest.mark.lab(topology="pair", queues=2)

USAGE = 2
ETHERNET, RAW_IP = 1, 101
NEW_MAC = "02:00:5e:00:00:77"


def sent_frames(lab, path, expected, **options):
    """What arrives of a run that sends `expected` frames, and its report."""
    file = path / "seen.pcap"
    with Capture(lab["fw"], file, interface="eth0", direction="in") as capture:
        report = pktgen(lab["gen"], **options)
        frames = capture.wait(expected)
    assert report["sent"] == len(frames) == expected
    assert report["bytes"] == sum(map(len, frames))
    return frames, report


@pytest.fixture(scope="module", autouse=True)
def takes_live_frames(lab):
    """A veth without an XDP program does when GRO is turned on; UDP is not merged by it."""
    for state in ("off", "on"):
        lab["fw"].run("ethtool", "-K", "eth0", "gro", state)


@pytest.mark.parametrize("method, threads", [("live", 1), ("xsk", 1), ("xsk", 2)])
def test_imix_is_seven_to_four_to_one(lab, tmp_path, version, method, threads):
    frames, report = sent_frames(
        lab, tmp_path, 1200, dst_mac=lab["fw"].mac, imix=True, count=1200, rate=4000,
        method=method, flows=10, threads=threads, ipv6=True if version == 6 else None)
    small = 60 if version == 4 else 14 + 40 + 8
    assert collections.Counter(map(len, frames)) == {small: 700, 590: 400, 1514: 100}
    assert (report["method"], report["frame_bytes"]) == (method, None)


def test_imix_is_the_same_by_both_methods(lab, tmp_path):
    """More than the 256 frames after which live frames begin to be reused."""
    seen = [sent_frames(lab, tmp_path, 600, dst_mac=lab["fw"].mac, imix=True, count=600,
                        rate=4000, method=method)[0] for method in ("live", "xsk")]
    assert seen[0] == seen[1]


def write_pcap(path, packets, link_type=ETHERNET, snap_length=65535):
    """packets: (time in s, frame). As in https://www.tcpdump.org/manpages/pcap-savefile.5.html"""
    with open(path, "wb") as file:
        file.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, snap_length, link_type))
        for time, frame in packets:
            kept = frame[:snap_length]
            file.write(struct.pack("=IIII", 1_700_000_000 + int(time), round(time % 1 * 1e6),
                                   len(kept), len(frame)) + kept)
    return path


@pytest.fixture
def packets(lab):
    """Three hundred milliseconds of anything."""
    flow = Flow(lab["gen"], lab["fw"])
    six = Flow(lab["gen"], lab["fw"], version=6)
    return [(0, flow.frame(udp(1, 9, data=b"first"))),
            (0.001, six.frame(tcp(2, 80, data=bytes(1400)))),
            (0.1, flow.frame(echo_request(4, b"tagged"), tags=[5])),
            (0.1, b"\xff" * 12 + b"\x88\xb5" + b"no IP at all"),
            (0.3, six.frame(udp(3, 9)))]


class TestCapture:
    def test_is_sent_as_it_is_and_at_its_own_pace(self, lab, packets, tmp_path):
        file = write_pcap(tmp_path / "sent.pcap", packets)
        frames, report = sent_frames(lab, tmp_path, 5, pcap=file)
        assert frames == [frame for _, frame in packets]
        assert 0.3 <= report["duration_s"] < 1.3
        assert report["end"] == "count"

    def test_is_sent_faster_and_again(self, lab, packets, tmp_path):
        """Three times 300 ms and two gaps of 75 ms, in a tenth of the time."""
        file = write_pcap(tmp_path / "sent.pcap", packets)
        frames, report = sent_frames(lab, tmp_path, 15, pcap=file, speed=10, loops=3)
        assert frames == [frame for _, frame in packets] * 3
        assert 0.105 <= report["duration_s"] < 0.9

    def test_is_sent_at_a_rate_and_cut_off_at_a_count(self, lab, packets, tmp_path):
        file = write_pcap(tmp_path / "sent.pcap", packets)
        frames, report = sent_frames(lab, tmp_path, 7, pcap=file, rate=100, loops=1000, count=7)
        assert frames == ([frame for _, frame in packets] * 2)[:7]
        assert 0.06 <= report["duration_s"] < 1

    def test_is_sent_to_another_mac_address(self, lab, packets, tmp_path):
        file = write_pcap(tmp_path / "sent.pcap", packets)
        frames, _ = sent_frames(lab, tmp_path, 5, pcap=file, speed=0, dst_mac=NEW_MAC)
        mac = bytes.fromhex(NEW_MAC.replace(":", ""))
        assert frames == [mac + frame[6:] for _, frame in packets]

    @pytest.mark.parametrize("settings, message", [
        ({"snap_length": 100}, "packet 2 is cut off: 100 of "),
        ({"link_type": RAW_IP}, "no Ethernet frames"),
        ({"packets": []}, "no packets"),
        ({"packets": [(0, b"short")]}, "packet 1 is too short"),
        ({"packets": [(0, bytes(14 + 1500 + 9))]}, "MTU is 1500"),
    ])
    def test_that_cannot_be_sent_is_refused(self, lab, packets, tmp_path, settings, message):
        file = write_pcap(tmp_path / "bad.pcap", **{"packets": packets, **settings})
        with Pktgen(lab["gen"], pcap=file) as process:
            assert process.wait() == USAGE
            assert message in str(process) and "--pcap" in "".join(process.stderr_lines)
