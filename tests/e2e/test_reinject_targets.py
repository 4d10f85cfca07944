"""--reinject: accepted packets go where it says, each once and unchanged, and nowhere else."""

import collections

import pytest
from harness.accounting import check_final
from harness.afxfw import AFXFW
from harness.capture import Capture
from harness.frames import Flow, echo_request, options_header, send, tcp, udp
from harness.nft import Counters
from harness.pktgen import pktgen

pytestmark = pytest.mark.lab(topology="pair", queues=2)

QUEUES = 2
COUNT = 1500  # fits a ring
PACED = 20_000  # packets a second
USAGE, UNSUPPORTED = 2, 4


def frames_to(lab):
    """Distinct frames, by whether they are dropped inline."""
    accepted, dropped = [], []
    for version in (4, 6):
        flow = Flow(lab["gen"], lab["fw"], version=version)
        headers = {} if version == 4 else {"extensions": [options_header()]}
        for number in range(20):
            data = bytes([number]) * 50
            accepted += [flow.frame(tcp(1024 + number, 443, data=data), **headers),
                         flow.frame(echo_request(version, data), tags=[5]),
                         *flow.fragments(tcp(1024, 443, data=data))]
            dropped.append(flow.frame(udp(1024 + number, 53)))
    return accepted, dropped


def check_goes_to(lab, afxfw, host, interface, path):
    """What is accepted leaves for this interface as it is; the filtering host gets nothing."""
    accepted, dropped = frames_to(lab)
    with (Capture(host, path, interface=interface, direction="in") as capture,
          Counters(lab["fw"], seen="") as counters):
        send(lab["gen"], accepted + dropped)
        capture.wait(len(accepted))
        sent = pktgen(lab["gen"], dst_mac=lab["fw"].mac, src="198.18.0.0/24", dst="198.18.0.1",
                      proto="tcp", dport=443, count=COUNT, rate=PACED)["sent"]
        frames = capture.wait(len(accepted) + sent)
        final = afxfw.finish()
    assert counters.last == {"seen": 0}
    check_final(final)
    assert final["total"]["reinjected"] == len(accepted) + sent == len(frames)
    assert collections.Counter(frames[:len(accepted)]) == collections.Counter(accepted)


class TestOutOfTheSameInterface:
    def test_returns_what_is_accepted(self, lab, start_afxfw, mode, tmp_path):
        afxfw = start_afxfw(lab["fw"], "--mode", mode, "--reinject", "tx")
        assert lab["fw"].link_names() == ["lo", "eth0"]
        check_goes_to(lab, afxfw, lab["gen"], "gen0", tmp_path / "returned.pcap")


class TestOutOfAnotherInterface:
    @pytest.fixture(scope="class", autouse=True)
    def wire(self, lab):
        """From out0 of the filtering host to sink0 of the other one; silent, like the first."""
        gen, fw = lab["gen"], lab["fw"]
        queues = ["numrxqueues", QUEUES, "numtxqueues", QUEUES]
        fw.run("ip", "link", "add", "out0", *queues, "type", "veth", "peer", "name", "sink0",
               *queues, "netns", gen.namespace_path)
        for host, interface in ((fw, "out0"), (gen, "sink0")):
            host.run("ip", "link", "set", interface, "addrgenmode", "none", "arp", "off", "up")
        yield
        fw.run("ip", "link", "delete", "out0")

    def test_forwards_what_is_accepted(self, lab, start_afxfw, mode, tmp_path):
        afxfw = start_afxfw(lab["fw"], "--mode", mode, "--reinject", "dev:out0")
        assert lab["fw"].link_names() == ["lo", "eth0", "out0"]
        check_goes_to(lab, afxfw, lab["gen"], "sink0", tmp_path / "forwarded.pcap")

    def test_warns_if_packets_may_not_fit(self, lab, start_afxfw):
        lab["fw"].run("ip", "link", "set", "out0", "mtu", "1400")
        start_afxfw(lab["fw"], "--reinject", "dev:out0").wait_for_line(
            "out0 has an MTU of 1400, eth0 one of 1500")
        lab["fw"].run("ip", "link", "set", "out0", "mtu", "1500")

    def test_needs_a_transmit_queue_for_each_worker(self, lab):
        """On a link of its own: one whose sockets were just closed can't have its queues changed."""
        fw = lab["fw"]
        fw.run("ip", "link", "add", "one0", "numtxqueues", "1", "type", "veth",
               "peer", "name", "one1", "numrxqueues", "1")
        try:
            for interface in ("one0", "one1"):
                fw.run("ip", "link", "set", interface, "addrgenmode", "none", "arp", "off", "up")
            assert ("one0 has 1 transmit queue, but each of the 2 workers needs its own; run: "
                    "ethtool -L one0 rx 2 tx 2") in refuse(fw, UNSUPPORTED, "dev:one0")
        finally:
            fw.run("ip", "link", "delete", "one0")

    def test_needs_a_link_that_is_up(self, lab):
        lab["fw"].run("ip", "link", "set", "out0", "down")
        assert "out0 is down" in refuse(lab["fw"], UNSUPPORTED, "dev:out0")
        lab["fw"].run("ip", "link", "set", "out0", "up")


def refuse(host, exit_code, target):
    """Runs afxfw, which ends with this exit code; returns its messages."""
    done = host.run(AFXFW, "--iface", "eth0", "--reinject", target, check=False)
    assert done.returncode == exit_code
    return done.stderr


def test_the_same_interface_by_name_is_refused(lab):
    text = refuse(lab["fw"], USAGE, "dev:eth0")
    assert "names the filtered interface itself; use --reinject tx" in text


def test_a_missing_interface_is_refused(lab):
    text = refuse(lab["fw"], UNSUPPORTED, "dev:nosuch0")
    assert "no interface 'nosuch0' in this network namespace" in text
