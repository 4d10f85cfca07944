"""Rule files in a running afxfw: what they do to traffic, reloads, what keeps the link alive."""

import signal
import subprocess
import time

import pytest
from harness.afxfw import AFXFW
from harness.frames import SYN, Flow, echo_request, send, tcp, udp
from harness.nft import Counters
from harness.wait import wait_until

pytestmark = pytest.mark.lab(topology="pair", queues=2)

ATTACKER, FRIEND = "198.51.100.7", "203.0.113.9"
INLINE_NOTHING = ("--inline-drop", "none")


class RuleFile:
    """A file of one table; written again for a reload."""

    def __init__(self, path):
        self.path = path

    def write(self, *rules, policy="accept", device="eth0", sets="", chains=""):
        self.path.write_text(
            f"table netdev t {{\n{sets}\n{chains}\nchain in {{\n"
            f'type filter hook ingress device "{device}" priority 0; policy {policy};\n' +
            "\n".join(rules) + "\n}\n}\n", encoding="ascii")
        return self


@pytest.fixture
def rules(tmp_path):
    return RuleFile(tmp_path / "rules.nft")


def packets_of(stats, text):
    """What the rule that contains the text counted."""
    return next(rule["packets"] for rule in stats["rules"] if text in rule["text"])


def test_rules_decide_and_count(lab, start_afxfw, mode, rules):
    gen, fw = lab["gen"], lab["fw"]
    rules.write("ip saddr @bad counter drop", "tcp dport { 22, 8000-8080 } counter jump web",
                "meta l4proto icmp accept", policy="drop",
                sets="set bad { type ipv4_addr; flags interval; elements = { 198.51.100.0/24 } }",
                chains="chain web {\ntcp flags syn counter accept\ncounter return\n}")
    afxfw = start_afxfw(fw, "--mode", mode, "--rules", rules.path, *INLINE_NOTHING)
    bad, good = Flow(gen, fw, ATTACKER), Flow(gen, fw, FRIEND)
    frames = ([bad.frame(echo_request(4))] * 3 + [good.frame(echo_request(4))] * 4 +
              [good.frame(tcp(1000, 8080, flags=SYN))] * 5 + [good.frame(tcp(1000, 22))] * 6 +
              [good.frame(udp(1000, 53))] * 7)
    with Counters(fw, echo="icmp type echo-request", web="tcp dport 8080", seen="") as counters:
        with afxfw.rises((lambda now: now["total"]["accepted"], 4 + 5),
                         (lambda now: now["drop_reasons"]["rule"], 3),
                         (lambda now: now["drop_reasons"]["policy"], 6 + 7),
                         (lambda now: packets_of(now, "@bad"), 3),
                         (lambda now: packets_of(now, "tcp dport"), 5 + 6),
                         (lambda now: packets_of(now, "tcp flags syn"), 5),
                         (lambda now: packets_of(now, "counter return"), 6)):
            send(gen, frames)
        counters.wait(echo=4, web=5, seen=9)
    assert next(rule for rule in afxfw.stats["rules"] if "icmp" in rule["text"])["packets"] is None


def test_lists_come_before_rules(lab, start_afxfw, rules, tmp_path):
    gen, fw = lab["gen"], lab["fw"]
    (tmp_path / "block").write_text(f"{ATTACKER}\n")
    (tmp_path / "allow").write_text(f"{FRIEND}\n")
    rules.write("ip saddr 198.51.100.0/24 counter accept", "ip saddr 203.0.113.0/24 counter drop")
    afxfw = start_afxfw(fw, "--rules", rules.path, "--blocklist", tmp_path / "block",
                        "--allowlist", tmp_path / "allow")
    with afxfw.rises((lambda now: now["drop_reasons"]["blocklist"], 2),
                     (lambda now: packets_of(now, "198.51.100.0/24"), 1),
                     (lambda now: packets_of(now, "203.0.113.0/24"), 1),
                     (lambda now: now["total"]["accepted"], 3 + 1)):
        send(gen, [Flow(gen, fw, ATTACKER).frame(echo_request(4))] * 2 +
             [Flow(gen, fw, FRIEND).frame(echo_request(4))] * 3 +
             [Flow(gen, fw, "198.51.100.8").frame(echo_request(4)),
              Flow(gen, fw, "203.0.113.10").frame(echo_request(4))])


def test_a_list_fills_a_set(lab, start_afxfw, rules, tmp_path):
    gen, fw = lab["gen"], lab["fw"]
    (tmp_path / "list").write_text("198.51.100.0/25\n2001:db8:bad::/48\n")
    rules.write("ip saddr @bad drop",
                sets="set bad {\ntype ipv4_addr\nflags interval\nelements = { 203.0.113.9 }\n}")
    afxfw = start_afxfw(fw, "--rules", rules.path, "--set", f"bad={tmp_path / 'list'}")
    with afxfw.rises((lambda now: now["drop_reasons"]["rule"], 2),
                     (lambda now: now["total"]["accepted"], 1)):
        send(gen, [Flow(gen, fw, source).frame(echo_request(4))
                   for source in (ATTACKER, FRIEND, "198.51.100.200")])


def test_a_reload_keeps_handles_and_counters(lab, start_afxfw, rules):
    gen, fw = lab["gen"], lab["fw"]
    rules.write("ip saddr 198.51.100.7 counter drop", "ip saddr 203.0.113.9 counter accept")
    afxfw = start_afxfw(fw, "--rules", rules.path)
    frames = [Flow(gen, fw, ATTACKER).frame(echo_request(4))] * 3
    with afxfw.rises((lambda now: packets_of(now, ATTACKER), 3)):
        send(gen, frames)
    before = {rule["text"]: rule["handle"] for rule in afxfw.stats["rules"]}
    rules.write("tcp dport 22 accept", "ip saddr 203.0.113.9 counter accept",
                "ip saddr 198.51.100.7 counter drop")
    after = afxfw.reload()
    handles = {rule["text"]: rule["handle"] for rule in after["rules"]}
    assert {text: handles[text] for text in before} == before
    assert handles["tcp dport 22 accept"] not in before.values()
    assert packets_of(after, ATTACKER) == 3
    with afxfw.rises((lambda now: packets_of(now, ATTACKER), 3)):
        send(gen, frames)


def test_bad_rules_leave_the_old_ones_in_force(lab, start_afxfw, rules):
    gen, fw = lab["gen"], lab["fw"]
    rules.write("ip saddr 198.51.100.7 drop")
    afxfw = start_afxfw(fw, "--rules", rules.path)
    rules.write("ip saddr 198.51.100 drop", "ct state new accept")
    afxfw.send(signal.SIGHUP)
    afxfw.wait_for_line(r"reload failed")
    for place in (r"rules\.nft:6:10: expected an IPv4 address: '198\.51\.100'", r"rules\.nft:7:1: "):
        afxfw.wait_for_line(place)
    with afxfw.rises((lambda now: now["drop_reasons"]["rule"], 1)):
        send(gen, [Flow(gen, fw, ATTACKER).frame(echo_request(4))])
    assert afxfw.stats["ruleset_generation"] == 1


def test_a_strict_policy_lets_arp_and_neighbour_discovery_pass(lab, start_afxfw, mode, rules, version):
    gen, fw = lab["gen"], lab["fw"]
    protocol = {4: "icmp", 6: "ipv6-icmp"}[version]
    rules.write(f"meta l4proto {protocol} accept", policy="drop")
    start_afxfw(fw, "--mode", mode, "--rules", rules.path)
    for host in (gen, fw):
        host.run("ip", "neigh", "flush", "dev", host.interface)
    gen.ping(fw.address(version))


def test_rules_that_name_arp_drop_it(lab, start_afxfw, rules):
    gen, fw = lab["gen"], lab["fw"]
    rules.write("ether type arp counter drop")
    afxfw = start_afxfw(fw, "--rules", rules.path)
    arp = bytes.fromhex("ffffffffffff" + gen.mac.replace(":", "") + "0806" +
                        "0001080006040001" + gen.mac.replace(":", "") + "c6120002" + "0" * 12 +
                        "c6120001")
    with afxfw.rises((lambda now: packets_of(now, "arp"), 5)):
        send(gen, [arp] * 5)
    # Until they do no more: then XDP passes it by itself.
    rules.write("tcp dport 22 drop")
    afxfw.reload()
    with afxfw.rises((lambda now: now["inline"]["pass"], 5)):
        send(gen, [arp] * 5)


def test_log_statements_write_to_the_packet_log(lab, start_afxfw, rules):
    gen, fw = lab["gen"], lab["fw"]
    rules.write('tcp dport 22 log prefix "ssh: " accept')
    afxfw = start_afxfw(fw, "--rules", rules.path)
    send(gen, [Flow(gen, fw, FRIEND).frame(tcp(1000, 22))])
    afxfw.wait_for_line(r"^ssh: src=203\.0\.113\.9 dst=198\.18\.0\.1 proto=tcp dport=22 action=accept")


def test_a_limit_lets_the_burst_through(lab, start_afxfw, rules):
    gen, fw = lab["gen"], lab["fw"]
    rules.write("meta l4proto icmp limit rate 1/hour burst 7 packets accept",
                "meta l4proto icmp drop")
    afxfw = start_afxfw(fw, "--rules", rules.path)
    with afxfw.rises((lambda now: now["total"]["accepted"], 7),
                     (lambda now: now["drop_reasons"]["rule"], 13)):
        send(gen, [Flow(gen, fw, FRIEND).frame(echo_request(4))] * 20)


def test_elements_expire_to_the_second(lab, start_afxfw, rules):
    gen, fw = lab["gen"], lab["fw"]
    rules.write("ip saddr @bad drop",
                sets="set bad {\ntype ipv4_addr\nflags timeout\n"
                     f"elements = {{ {ATTACKER} timeout 4s, {FRIEND} timeout 1h }}\n}}")
    start = time.monotonic()
    afxfw = start_afxfw(fw, "--rules", rules.path)
    with afxfw.rises((lambda now: now["drop_reasons"]["rule"], 2)):
        send(gen, [Flow(gen, fw, source).frame(echo_request(4)) for source in (ATTACKER, FRIEND)])
    wait_until(lambda: afxfw.stats["ruleset_generation"] == 2, "the expiry")
    assert 4 <= time.monotonic() - start < 4 + 3  # some time to start, a second to see it
    with afxfw.rises((lambda now: now["drop_reasons"]["rule"], 1),
                     (lambda now: now["total"]["accepted"], 1)):
        send(gen, [Flow(gen, fw, source).frame(echo_request(4)) for source in (ATTACKER, FRIEND)])


def test_rules_for_another_interface_are_refused(lab, rules):
    rules.write("drop", device="eth7")
    done = lab["fw"].run(AFXFW, "--rules", rules.path, check=False)
    assert done.returncode == 2
    assert "are for eth7, and not for eth0" in done.stderr


def test_check_needs_no_interface_and_shows_the_rules(rules):
    rules.write("ip saddr 198.51.100.0/24 drop", "ip saddr 198.51.100.7 accept", device="none0")
    done = subprocess.run([AFXFW, "--check", "--rules", rules.path], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert "\t\tip saddr 198.51.100.0/24 drop # handle 5\n" in done.stdout
    assert "rules.nft:7:1: this rule can never match" in done.stderr
    # The listing is what nft and afxfw read again.
    listing = done.stdout.split("\n}\n")[0] + "\n}\n"
    rules.path.write_text(listing, encoding="ascii")
    again = subprocess.run([AFXFW, "--check", "--rules", rules.path], capture_output=True, text=True,
                           check=False)
    assert again.stdout.split("\n}\n")[0] + "\n}\n" == listing
