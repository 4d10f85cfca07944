"""Live changes by afxfwctl: lists, sets, times, bulk; with traffic that tells what is in force."""

import json
import time

import pytest
from harness.accounting import check_accounting, check_final
from harness.afxfw import LARGE_RINGS
from harness.control import AFXFWCTL, Control
from harness.frames import Flow, echo_request, send, tcp
from harness.pktgen import Pktgen
from harness.process import Process
from harness.wait import wait_until

pytestmark = pytest.mark.lab(topology="pair", queues=2)

A, B = "198.51.100.7", "198.51.100.8"
BULK = 100_000
BULK_LIMIT_S = 2.0
PACED = 20_000  # packets a second
RULES = """
table netdev filter {
    set bad { type ipv4_addr; flags interval, timeout; elements = { 192.0.2.1, 192.0.2.128/25 } }
    set pairs { type ipv4_addr . inet_service; }
    set fixed { type ipv4_addr; flags constant; elements = { 192.0.2.7 } }
    chain in {
        type filter hook ingress device "eth0" priority 0; policy accept;
        ip saddr @bad drop
        ip saddr . tcp dport @pairs drop
        ip saddr @fixed drop
    }
}
"""


@pytest.fixture
def control(tmp_path):
    return Control(tmp_path / "sock")


@pytest.fixture
def start(lab, start_afxfw, control):
    return lambda *options: start_afxfw(lab["fw"], "--control", control.path, *options)


@pytest.fixture
def verdicts(lab):
    """verdicts(afxfw, source…): sends a packet of each; asserts how many of them are dropped."""
    def check(afxfw, blocked=(), accepted=(), packet=None):
        gen, fw = lab["gen"], lab["fw"]
        frames = []
        for source in [*blocked, *accepted]:
            version = 6 if ":" in source else 4
            frames.append(Flow(gen, fw, source).frame(packet or echo_request(version)))
        with afxfw.rises((lambda now: now["total"]["dropped"], len(blocked)),
                         (lambda now: now["total"]["accepted"], len(accepted))):
            send(gen, frames)
    return check


class TestLists:
    def test_block_and_unblock(self, start, control, verdicts):
        """Without a list at start: the rule appears."""
        afxfw = start()
        verdicts(afxfw, accepted=[A, "2001:db8:bad::1"])
        assert control.json("list", "rules")["rules"] == []
        control.run("block", A, "2001:db8:bad::/48")
        assert [rule["text"] for rule in control.json("list", "rules")["rules"]] == [
            "ip saddr @blocklist drop", "ip6 saddr @blocklist drop"]
        verdicts(afxfw, blocked=[A, "2001:db8:bad::1"], accepted=[B, "2001:db8:bae::1"])
        control.run("unblock", A)
        verdicts(afxfw, blocked=["2001:db8:bad::1"], accepted=[A, B])
        assert set(control.elements("blocklist")) == {"2001:db8:bad::/48"}

    def test_allow_wins_over_block(self, start, control, verdicts):
        afxfw = start()
        control.run("block", "198.51.100.0/24")
        control.run("allow", A)
        verdicts(afxfw, blocked=[B], accepted=[A])
        control.run("unallow", A)
        verdicts(afxfw, blocked=[A, B])

    def test_what_a_file_blocks_can_be_unblocked(self, start, control, verdicts, tmp_path):
        (tmp_path / "block").write_text("198.51.100.0/24\n")
        afxfw = start("--blocklist", tmp_path / "block")
        control.run("unblock", A)
        verdicts(afxfw, blocked=[B], accepted=[A])
        assert "# " in control.run("list", "set", "blocklist").stdout
        control.run("block", A)
        verdicts(afxfw, blocked=[A, B])

    def test_outlives_a_reload(self, start, control, verdicts, tmp_path):
        (tmp_path / "block").write_text("203.0.113.0/24\n198.51.100.9\n")
        afxfw = start("--blocklist", tmp_path / "block")
        control.run("block", A)
        control.run("unblock", "198.51.100.9")
        (tmp_path / "block").write_text("203.0.113.0/25\n198.51.100.9\n")
        control.run("reload")
        verdicts(afxfw, blocked=[A, "203.0.113.1"], accepted=["198.51.100.9", "203.0.113.200"])

    def test_flush_lasts_until_files_are_read_again(self, start, control, verdicts, tmp_path):
        (tmp_path / "block").write_text(f"{B}\n")
        afxfw = start("--blocklist", tmp_path / "block")
        control.run("block", A)
        control.run("flush", "set", "blocklist")
        verdicts(afxfw, accepted=[A, B])
        assert control.elements("blocklist") == {}
        control.run("reload")
        verdicts(afxfw, blocked=[B], accepted=[A])

    def test_reads_standard_input_and_files(self, start, control, verdicts, tmp_path):
        afxfw = start()
        (tmp_path / "list").write_text(f"# a list\n{A} # with a comment\r\n; another\n")
        control.run("block", "--file", tmp_path / "list")
        control.run("block", "-", stdin=f"{B}\n")
        verdicts(afxfw, blocked=[A, B])
        (tmp_path / "list").write_text("198.51.100.9\nrubbish\n")
        done = control.run("block", "--file", tmp_path / "list", check=False)
        assert done.returncode == 2
        assert f"{tmp_path / 'list'}:2:" in done.stderr
        verdicts(afxfw, accepted=["198.51.100.9"])  # all or nothing

    def test_unblocking_what_is_not_blocked_says_so(self, start, control):
        start()
        control.run("block", A)
        assert "1 was not in the blocklist" in control.run("unblock", B).stdout


class TestTime:
    def test_expires_to_the_second(self, start, control, verdicts):
        afxfw = start()
        control.run("block", B)
        begin = time.monotonic()
        control.run("block", A, "--for", "3s", "--comment", "three seconds")
        entry = control.elements("blocklist")[A]
        assert (entry["timeout_s"], entry["comment"]) == (3, "three seconds")
        assert 2 <= entry["expires_s"] <= 3
        text = control.run("list", "set", "blocklist").stdout
        assert f'{A} timeout 3s expires ' in text and 'comment "three seconds"' in text
        verdicts(afxfw, blocked=[A, B])
        control.wait_elements("blocklist", lambda elements: A not in elements, "the end")
        assert 2.9 <= time.monotonic() - begin <= 4.0
        verdicts(afxfw, blocked=[B], accepted=[A])

    def test_what_a_file_blocks_stays_blocked(self, start, control, verdicts, tmp_path):
        (tmp_path / "block").write_text(f"{A}\n")
        afxfw = start("--blocklist", tmp_path / "block")
        control.run("block", A, "--for", "1s")
        control.wait_elements("blocklist", lambda all: not all[A].get("run_time"), "its end")
        verdicts(afxfw, blocked=[A])

    def test_blocked_again_it_starts_anew(self, start, control, verdicts):
        afxfw = start()
        control.run("block", A, "--for", "1s")
        control.run("block", A, "--for", "1h")
        time.sleep(1.5)
        verdicts(afxfw, blocked=[A])
        assert control.elements("blocklist")[A]["expires_s"] > 3500

    def test_survives_a_reload_with_its_time(self, start, control, verdicts, tmp_path):
        (tmp_path / "block").write_text(f"{B}\n")
        afxfw = start("--blocklist", tmp_path / "block")
        control.run("block", A, "--for", "2s")
        control.run("reload")
        verdicts(afxfw, blocked=[A, B])
        control.wait_elements("blocklist", lambda elements: A not in elements, "its end", 4)
        verdicts(afxfw, blocked=[B], accepted=[A])


class TestSets:
    @pytest.fixture
    def afxfw(self, start, tmp_path):
        (tmp_path / "rules.nft").write_text(RULES)
        return start("--rules", tmp_path / "rules.nft")

    def test_add_and_delete(self, afxfw, control, verdicts):
        control.run("add", "element", "bad", "{", "192.0.2.9,", "192.0.2.16-192.0.2.18", "}")
        verdicts(afxfw, blocked=["192.0.2.1", "192.0.2.9", "192.0.2.17", "192.0.2.200"],
                 accepted=["192.0.2.19"])
        control.run("delete", "element", "bad", "{ 192.0.2.1, 192.0.2.9 }")
        verdicts(afxfw, blocked=["192.0.2.17"], accepted=["192.0.2.1", "192.0.2.9"])
        assert set(control.elements("bad")) == {"192.0.2.128/25", "192.0.2.16-192.0.2.18"}

    def test_concatenations(self, afxfw, control, verdicts):
        control.run("add", "element", "pairs", f"{A} . 443")
        verdicts(afxfw, blocked=[A], accepted=[B], packet=tcp(1, 443))
        verdicts(afxfw, accepted=[A], packet=tcp(1, 444))

    def test_times_and_reload(self, afxfw, control, verdicts):
        control.run("add", "element", "bad", "{ 192.0.2.9 timeout 2s, 192.0.2.10 }")
        control.run("reload")
        verdicts(afxfw, blocked=["192.0.2.9", "192.0.2.10", "192.0.2.1"])
        control.wait_elements("bad", lambda all: "192.0.2.9" not in all, "its end", 4)
        verdicts(afxfw, blocked=["192.0.2.10"], accepted=["192.0.2.9"])

    def test_flush(self, afxfw, control, verdicts):
        control.run("add", "element", "bad", "192.0.2.9")
        control.run("flush", "set", "bad")
        verdicts(afxfw, accepted=["192.0.2.9", "192.0.2.1"])
        control.run("reload")
        verdicts(afxfw, blocked=["192.0.2.1"], accepted=["192.0.2.9"])

    @pytest.mark.parametrize("arguments, message", [
        (["nope", "192.0.2.9"], "the rules have no set 'nope'"),
        (["fixed", "192.0.2.9"], "flags constant"),
        (["bad", "fe80::1"], "expected an IPv4 address"),
        (["pairs", "192.0.2.9"], "'192.0.2.9' is no element of set pairs"),
        (["bad", "192.0.2.9 } 192.0.2.10"], "expected one element"),
        (["bad", "{ 192.0.2.9"], "braces"),
    ])
    def test_what_cannot_be(self, afxfw, control, arguments, message):
        done = control.run("add", "element", *arguments, check=False)
        assert done.returncode == 2, done
        assert message in done.stderr
        assert set(control.elements("bad")) == {"192.0.2.1", "192.0.2.128/25"}


def bulk():
    return [f"10.{n >> 15}.{(n >> 7) & 255}.{2 * n & 255}" for n in range(BULK)]


@pytest.mark.parametrize("target", ["blocklist", "bad"])
def test_bulk_under_flood(lab, start, control, tmp_path, verdicts, target):
    """BULK elements in BULK_LIMIT_S; nothing is lost, and every packet is judged right."""
    gen, fw = lab["gen"], lab["fw"]
    (tmp_path / "rules.nft").write_text(RULES)
    (tmp_path / "bulk").write_text("\n".join(bulk()) + "\n")
    afxfw = start("--rules", tmp_path / "rules.nft", *LARGE_RINGS)
    with Pktgen(gen, dst_mac=fw.mac, src="192.0.2.0/24", order="sequential", dst=fw.ipv4,
                proto="tcp", dport=443, rate=PACED) as traffic:
        afxfw.wait_stats(lambda now: now["total"]["received"] > 0, "traffic")
        begin = time.monotonic()
        command = ["block"] if target == "blocklist" else ["add", "element", "bad"]
        done = control.run(*command, "--file", tmp_path / "bulk")
        took = time.monotonic() - begin
        sent = traffic.finish()["sent"]
        afxfw.wait_stats(lambda now: now["inline"]["redirect"] == sent, f"{sent} packets")
    assert "100000 elements added" in done.stdout
    assert took < BULK_LIMIT_S
    stats = afxfw.wait_stats(lambda now: now["total"]["received"] == sent, f"{sent} packets")
    assert stats["total"]["kernel_drops"] == 0
    # The traffic's sources go round, and these are blocked all the time.
    blocked = {1, 7, *range(128, 256)}
    full_rounds, rest = divmod(sent, 256)
    assert stats["total"]["dropped"] == (full_rounds * len(blocked) +
                                         sum(each < rest for each in blocked))
    assert len(control.elements(target)) == BULK + (2 if target == "bad" else 0)
    verdicts(afxfw, blocked=bulk()[::9999], accepted=["10.0.0.1", "10.1.0.3"])
    check_final(afxfw.finish())
    for each in afxfw.all_stats:
        check_accounting(each)


def test_monitor_tells_what_happens(lab, start, control, tmp_path):
    (tmp_path / "block").write_text(f"{B}\n")
    start("--blocklist", tmp_path / "block")
    command = [AFXFWCTL, "--socket", control.path, "monitor"]
    with Process(command) as text, Process([*command, "--json"]) as lines:
        def events(kind):
            return [event for event in map(json.loads, list(lines.stdout_lines))
                    if event["kind"] == kind]

        wait_until(lambda: control.run("block", A, "--for", "1s", "--comment", "why") and
                   events("add"), "an event")
        assert A in events("add")[0]["text"] and "root" in events("add")[0]["by"]
        wait_until(lambda: events("expired"), "the end")
        assert events("expired")[-1]["element"] == A
        control.run("reload")
        wait_until(lambda: events("reload"), "a reload")
        (tmp_path / "block").write_text("rubbish\n")
        assert control.run("reload", check=False).returncode == 2
        wait_until(lambda: events("error"), "a failure")
        lab["gen"].run("ip", "link", "set", "gen0", "down")
        wait_until(lambda: any("link is down" in each["text"] for each in events("warning")),
                   "the link")
        lab["gen"].run("ip", "link", "set", "gen0", "up")
        text.wait_for_line(rf"expired .*{A}")
