"""What afxfw says: statistics as JSON and as a table, the summary at the end, the packet log."""

import re
import signal

import pytest
from harness.accounting import check_accounting, check_final
from harness.afxfw import AFXFW
from harness.frames import Flow, echo_request, send, tcp, udp
from harness.nft import Counters

pytestmark = pytest.mark.lab(topology="pair", queues=2)

COUNT = 300
BLOCKED = "198.51.100.7"
INTEGER_COUNTERS = ("received", "accepted", "dropped", "reinjected", "tx_full", "bytes")


@pytest.fixture
def blocklist(tmp_path):
    (tmp_path / "block").write_text(f"{BLOCKED}\n2001:db8:bad::/48\n")
    return tmp_path / "block"


@pytest.fixture
def frames(lab):
    """COUNT packets of each: dropped by protocol, by port, by a worker; accepted; malformed."""
    gen, fw = lab["gen"], lab["fw"]
    flow, blocked = Flow(gen, fw), Flow(gen, fw, BLOCKED)
    return [flow.frame(udp(1024, 53)), flow.frame(tcp(1024, 80)), blocked.frame(tcp(1024, 443)),
            flow.frame(tcp(1024, 443)), flow.frame(echo_request(4))[:-1]] * COUNT


def is_count(value):
    return isinstance(value, int) and value >= 0


class TestJson:
    def test_has_the_documented_shape(self, lab, start_afxfw, mode, blocklist):
        stats = start_afxfw(lab["fw"], "--mode", mode, "--blocklist", blocklist).finish()
        assert (stats["interface"], stats["xdp_mode"]) == ("eth0", mode)
        assert stats["uptime_s"] > 0
        assert stats["ruleset_generation"] == 1
        assert all(is_count(stats["inline"][name])
                   for name in ("pass", "drop", "redirect", "fallback", "malformed"))
        assert set(stats["xdp_actions"]) == {"ABORTED", "DROP", "PASS", "TX", "REDIRECT"}
        assert [queue["queue"] for queue in stats["queues"]] == [0, 1]
        for queue in stats["queues"]:
            assert is_count(queue["cpu"])
            assert queue["zero_copy"] is False
        for part in [stats["total"], *stats["queues"]]:
            assert all(is_count(part[name]) for name in INTEGER_COUNTERS)
        assert set(stats["drop_reasons"]) == {"blocklist", "rule", "policy", "malformed"}
        assert [rule["text"] for rule in stats["rules"]] == [
            "ip saddr @blocklist drop", "ip6 saddr @blocklist drop"]
        for rule in stats["rules"]:
            assert is_count(rule["handle"]) and rule["packets"] == rule["bytes"] == 0

    def test_is_a_line_an_interval_and_the_final_totals(self, lab, start_afxfw, blocklist,
                                                         frames):
        interval_s = 0.2
        afxfw = start_afxfw(lab["fw"], "--blocklist", blocklist, interval_s=interval_s)
        send(lab["gen"], frames)
        afxfw.wait_stats(lambda now: now["inline"]["redirect"] == 2 * COUNT, "all packets")
        final = afxfw.finish()
        lines = afxfw.all_stats
        for earlier, later in zip(lines, lines[1:]):
            check_accounting(later)
            assert earlier["uptime_s"] < later["uptime_s"]
            assert earlier["inline"]["redirect"] <= later["inline"]["redirect"]
        # A busy machine may be late for a line, and then leaves it out.
        assert 2 <= len(lines) <= final["uptime_s"] / interval_s + 2
        check_final(final)

    def test_is_only_the_final_totals_with_interval_0(self, lab, start_afxfw, frames):
        afxfw = start_afxfw(lab["fw"], interval_s=0)
        with Counters(lab["fw"], seen="tcp dport 443") as counters:
            send(lab["gen"], frames)
            counters.wait(seen=2 * COUNT)
        final = afxfw.finish()
        assert len(afxfw.stdout_lines) == 1
        assert final["total"]["reinjected"] == 2 * COUNT

    @pytest.mark.parametrize("on_failure, action", [("pass", "PASS"), ("drop", "DROP")])
    def test_counts_a_queue_without_a_worker_as_on_failure_says(self, lab, start_afxfw,
                                                                on_failure, action):
        gen, fw = lab["gen"], lab["fw"]
        afxfw = start_afxfw(fw, "--queues", "1", "--allow-unfiltered-queues",
                            "--on-failure", on_failure)
        # A veth spreads flows over its queues by their hash.
        frames = [Flow(gen, fw).frame(tcp(1024 + number, 443)) for number in range(COUNT)]
        with Counters(fw, seen="") as counters:
            send(gen, frames)
            afxfw.wait_stats(lambda now: now["inline"]["redirect"] + now["inline"]["fallback"] ==
                             COUNT, f"{COUNT} packets")
            final = afxfw.finish()
            fallback, reinjected = final["inline"]["fallback"], final["total"]["reinjected"]
            counters.wait(seen=reinjected + (fallback if on_failure == "pass" else 0))
        assert fallback > 0 and reinjected > 0
        assert {name: entry["packets"] for name, entry in final["xdp_actions"].items()} == {
            "ABORTED": 0, "DROP": 0, "PASS": 0, "TX": 0, "REDIRECT": reinjected} | {
            action: fallback}
        check_final(final)


class TestTable:
    def test_shows_the_numbers_and_a_summary(self, lab, blocklist, frames):
        fw = lab["fw"]
        with fw.start(AFXFW, "--iface", "eth0", "--blocklist", blocklist,
                      "--stats-interval", "0.1") as afxfw:
            afxfw.wait_for_line(r"\bready\b")
            send(lab["gen"], frames)
            afxfw.wait_for_line(r"XDP:  drop 600 \(.*/s\)   pass 0 .* to workers 600 "
                                r".* malformed 300 ")
            afxfw.wait_for_line(r"^    all +\S.* 600 +300 +300 +0 +0$")
            assert afxfw.stop(signal.SIGINT) == 0
            for line in (r"afxfw eth0: \d+\.\d s in native mode, packets:",
                         r"dropped inline by XDP +600  300 protocol, 300 port",
                         r"malformed, dropped by XDP +300",
                         r"sent to workers +600",
                         r"received by workers +600",
                         r"dropped: blocklist +300",
                         r"accepted +300",
                         r"reinjected +300",
                         r"ip saddr @blocklist drop +300 packets +16,200 bytes"):
                afxfw.wait_for_line(line)


LOGGED = re.compile(r"^src=(?P<src>\S+) dst=(?P<dst>\S+) proto=(?P<proto>\S+) dport=(?P<dport>\d+) "
                    r"action=(?P<action>\w+)( reason=(?P<reason>\w+))?")


def logged(lines):
    return [match.groupdict() for match in map(LOGGED.match, lines) if match]


class TestPacketLog:
    def run(self, lab, start_afxfw, blocklist, what, *options):
        """Sends COUNT packets of a blocked source and as many others; returns lines and totals."""
        gen, fw = lab["gen"], lab["fw"]
        afxfw = start_afxfw(fw, "--blocklist", blocklist, "--log-packets", what, *options)
        send(gen, [Flow(gen, fw, source).frame(tcp(1024, 443)) for source in (BLOCKED, gen.ipv4)]
             * COUNT)
        afxfw.wait_stats(lambda now: now["total"]["received"] == 2 * COUNT, "all packets")
        final = afxfw.finish()
        assert final["packet_log"]["lines"] == len(logged(afxfw.stderr_lines))
        return logged(afxfw.stderr_lines), final

    @pytest.mark.parametrize("what", ["drop", "accept", "all"])
    def test_is_a_line_a_packet(self, lab, start_afxfw, blocklist, what):
        lines, final = self.run(lab, start_afxfw, blocklist, what)
        common = {"dst": lab["fw"].ipv4, "proto": "tcp", "dport": "443"}
        drop = common | {"src": BLOCKED, "action": "drop", "reason": "blocklist"}
        accept = common | {"src": lab["gen"].ipv4, "action": "accept", "reason": None}
        assert lines.count(drop) == (0 if what == "accept" else COUNT)
        assert lines.count(accept) == (0 if what == "drop" else COUNT)
        assert len(lines) == lines.count(drop) + lines.count(accept)
        assert final["packet_log"]["suppressed"] == 0

    def test_over_the_rate_lines_are_suppressed_and_counted(self, lab, start_afxfw, blocklist):
        rate = 20
        lines, final = self.run(lab, start_afxfw, blocklist, "drop", "--log-rate", str(rate))
        assert rate <= len(lines) <= rate * (2 + final["uptime_s"])
        assert final["packet_log"]["suppressed"] == COUNT - len(lines)
        assert final["total"]["dropped"] == COUNT

    def test_without_a_rate_limit_nothing_is_suppressed(self, lab, start_afxfw, blocklist):
        lines, final = self.run(lab, start_afxfw, blocklist, "all", "--log-rate", "0")
        assert (len(lines), final["packet_log"]["suppressed"]) == (2 * COUNT, 0)

    def test_is_beside_the_table_on_stdout(self, lab, blocklist):
        gen, fw = lab["gen"], lab["fw"]
        with fw.start(AFXFW, "--iface", "eth0", "--blocklist", blocklist, "--log-packets",
                      "drop") as afxfw:
            afxfw.wait_for_line(r"\bready\b")
            send(gen, [Flow(gen, fw, "2001:db8:bad::7").frame(tcp(1024, 443))])
            afxfw.wait_for_line("src=2001:db8:bad::7 dst=2001:db8:1::1 proto=tcp dport=443 "
                                "action=drop reason=blocklist")
            assert afxfw.stop() == 0
            assert len(logged(afxfw.stdout_lines)) == 1
