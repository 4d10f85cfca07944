"""What gets through the firewall, what does not, and who stopped it: native and generic mode.

One firewall for all tests of a mode; each looks at what it changed.
"""

import pytest
from harness.accounting import check_accounting, check_final, check_no_fallback
from harness.afxfw import Afxfw
from harness.frames import (ACK, FRAGMENT, HOP_BY_HOP, SYN, Flow, Segment, echo_request, gre,
                            options_header, send, tcp, udp)
from harness.nft import Counters
from harness.servers import curl, http_server, iperf3, iperf3_server

PAGE = "served in the lab\n"
BLOCKED = {4: "198.51.100.7", 6: "2001:db8:bad::7"}
ALLOWED = {4: "203.0.113.7", 6: "2001:db8:bad::a1"}
BLOCKLIST = "198.51.100.0/24\n203.0.113.0/24\n2001:db8:bad::/48\n"
ALLOWLIST = "203.0.113.7\n2001:db8:bad::a1\n"
RULES = {("block", 4): "ip saddr @blocklist drop", ("block", 6): "ip6 saddr @blocklist drop",
         ("allow", 4): "ip saddr @allowlist accept", ("allow", 6): "ip6 saddr @allowlist accept"}
FAMILIES = {4: "ip", 6: "ip6"}
COPIES = 5
CURL_TIMED_OUT = 28
UNASSIGNED_PROTOCOL = Segment(253, bytes(32))  # RFC 3692
ATOMIC_FRAGMENT = (FRAGMENT, bytes([0, 0, 0, 0, 0, 0, 7]))


def flow(sender, fw, version, source=None):
    return Flow(sender, fw, source, version)


# Ways to send a packet of a protocol that a careless parser takes for something else.
DISGUISES = {
    "plain": lambda flow, segment: [flow.frame(segment)],
    "VLAN": lambda flow, segment: [flow.frame(segment, tags=[5])],
    "QinQ": lambda flow, segment: [flow.frame(segment, tags=[100, 5])],
    "fragments": lambda flow, segment: flow.fragments(segment),
}
IPV4_DISGUISES = DISGUISES | {
    "options": lambda flow, segment: [flow.frame(segment, ip_options=bytes([1] * 8))],
}
IPV6_DISGUISES = DISGUISES | {
    "extension": lambda flow, segment: [flow.frame(segment, extensions=[options_header()])],
    "extensions": lambda flow, segment: [flow.frame(
        segment, extensions=[options_header(HOP_BY_HOP), options_header(), ATOMIC_FRAGMENT])],
    "extension and fragments": lambda flow, segment: flow.fragments(
        segment, extensions=[options_header(HOP_BY_HOP)]),
}
DISGUISED = ([pytest.param(4, disguise, id=f"IPv4-{name}")
              for name, disguise in IPV4_DISGUISES.items()] +
             [pytest.param(6, disguise, id=f"IPv6-{name}")
              for name, disguise in IPV6_DISGUISES.items()])

PAYLOAD = bytes(range(64))


def rule_packets(stats, action, version):
    return next(rule["packets"] for rule in stats["rules"]
                if rule["text"] == RULES[action, version])


@pytest.fixture(scope="module")
def firewall(lab, mode, tmp_path_factory):
    lists = tmp_path_factory.mktemp("lists")
    (lists / "block").write_text(BLOCKLIST)
    (lists / "allow").write_text(ALLOWLIST)
    with Afxfw(lab["fw"], "--mode", mode, "--blocklist", lists / "block",
               "--allowlist", lists / "allow") as afxfw:
        afxfw.wait_ready()
        yield afxfw
        final = afxfw.finish()
    assert final["xdp_mode"] == mode
    check_no_fallback(afxfw.all_stats)  # so that what got through was accepted by a worker
    assert final["total"]["tx_full"] == 0
    check_final(final)
    for stats in afxfw.all_stats:
        check_accounting(stats)


class TestGetsThrough:
    def test_ping(self, lab, firewall, version):
        with Counters(lab["fw"], pings="icmp type echo-request", pings6="icmpv6 type echo-request"
                      ) as counters:
            lab["client"].run("ping", "-n", "-c5", "-i0.05", lab["fw"].address(version))
            assert sum(counters.read().values()) == 5

    def test_http_on_port_8080(self, lab, firewall, version, tmp_path):
        (tmp_path / "page.html").write_text(PAGE)
        with http_server(lab["fw"], tmp_path):
            done = curl(lab["client"], lab["fw"].address(version), "/page.html")
        assert (done.returncode, done.stdout) == (0, PAGE)

    def test_iperf3(self, lab, firewall, version):
        with iperf3_server(lab["fw"]):
            report = iperf3(lab["client"], lab["fw"].address(version), "--time", "1")
        assert report["sum_received"]["bytes"] > 0

    def test_the_hosts_own_connections(self, lab, firewall, version, tmp_path):
        """To port 80 as well: only packets that arrive for port 80 are dropped."""
        (tmp_path / "page.html").write_text(PAGE)
        with http_server(lab["client"], tmp_path, port=80):
            done = curl(lab["fw"], lab["client"].address(version), "/page.html", port=80)
        assert (done.returncode, done.stdout) == (0, PAGE)

    def test_a_source_on_both_lists(self, lab, firewall, version):
        fw, attacker = lab["fw"], lab["attacker"]
        frame = flow(attacker, fw, version, ALLOWED[version]).frame(echo_request(version))
        with (firewall.rises((lambda now: rule_packets(now, "allow", version), COPIES),
                             (lambda now: rule_packets(now, "block", version), 0)),
              Counters(fw, seen=f"{FAMILIES[version]} saddr {ALLOWED[version]}") as counters):
            send(attacker, [frame] * COPIES)
            counters.wait(seen=COPIES)


class TestDroppedInline:
    @pytest.mark.parametrize("version, disguise", DISGUISED)
    def test_udp(self, lab, firewall, version, disguise):
        frames = disguise(flow(lab["client"], lab["fw"], version), udp(1024, 5000, PAYLOAD))
        self.check(lab, firewall, "protocol", frames, "meta l4proto udp")

    # Of fragments, only the first has the port: the next test.
    @pytest.mark.parametrize("version, disguise", [
        case for case in DISGUISED if "fragments" not in case.id])
    def test_tcp_to_port_80(self, lab, firewall, version, disguise):
        frames = disguise(flow(lab["client"], lab["fw"], version), tcp(1024, 80, SYN, PAYLOAD))
        self.check(lab, firewall, "port", frames, "meta l4proto tcp")

    def test_the_first_fragment_of_tcp_to_port_80(self, lab, firewall, version):
        first, _ = flow(lab["client"], lab["fw"], version).fragments(tcp(1024, 80, SYN, PAYLOAD))
        self.check(lab, firewall, "port", [first], "meta l4proto tcp")

    @staticmethod
    def check(lab, firewall, reason, frames, match):
        count = COPIES * len(frames)
        with (Counters(lab["fw"], seen=match) as counters,
              firewall.rises((lambda now: now["inline"]["drop"], count),
                             (lambda now: now["inline_drop_reasons"][reason], count))):
            send(lab["client"], frames * COPIES)
        assert counters.last == {"seen": 0}

    def test_http_on_port_80(self, lab, firewall, version, tmp_path):
        with http_server(lab["fw"], tmp_path, port=80):
            done = curl(lab["client"], lab["fw"].address(version), "/",
                        "--connect-timeout", "0.5", port=80)
        assert done.returncode == CURL_TIMED_OUT


class TestDroppedByAWorker:
    @pytest.mark.parametrize("version, disguise", DISGUISED)
    def test_whatever_a_blocked_source_sends(self, lab, firewall, version, disguise):
        fw, attacker = lab["fw"], lab["attacker"]
        blocked = flow(attacker, fw, version, BLOCKED[version])
        frames = [frame for segment in (echo_request(version, PAYLOAD),
                                        tcp(1024, 443, ACK, PAYLOAD),
                                        gre(version, PAYLOAD), UNASSIGNED_PROTOCOL)
                  for frame in disguise(blocked, segment)]
        count = COPIES * len(frames)
        with (Counters(fw, seen=f"{FAMILIES[version]} saddr {BLOCKED[version]}") as counters,
              firewall.rises((lambda now: rule_packets(now, "block", version), count),
                             (lambda now: now["drop_reasons"]["blocklist"], count))):
            send(attacker, frames * COPIES)
        assert counters.last == {"seen": 0}

    def test_ping_from_a_blocked_source(self, lab, firewall, version):
        with firewall.rises((lambda now: rule_packets(now, "block", version), 1)):
            done = lab["attacker"].run("ping", "-n", "-c1", "-W0.5", "-I", BLOCKED[version],
                                       lab["fw"].address(version), check=False)
        assert "100% packet loss" in done.stdout
