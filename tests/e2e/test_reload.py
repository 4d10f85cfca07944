"""SIGHUP: new lists are in force without a packet lost, and bad ones change nothing."""

import signal

import pytest
from harness.accounting import check_accounting, check_final
from harness.afxfw import LARGE_RINGS
from harness.frames import Flow, echo_request, send
from harness.nft import Counters
from harness.pktgen import Pktgen

pytestmark = pytest.mark.lab(topology="pair", queues=2)

SOURCES, HALF, OTHER_HALF = "198.51.100.0/24", "198.51.100.0/25", "198.51.100.128/25"
COUNT = 120 * 256  # so often each source; fits LARGE_RINGS
PACED = 20_000  # packets a second
RELOADS_UNDER_TRAFFIC = 5
RAPID_RELOADS = 50
ENTRIES = 50_000
BLOCKED = "198.51.100.7"
OTHER = "203.0.113.7"


@pytest.fixture
def blocklist(tmp_path):
    (tmp_path / "block").write_text(f"{BLOCKED}\n")
    return tmp_path / "block"


def test_the_new_list_is_in_force(lab, start_afxfw, mode, version, blocklist):
    gen, fw = lab["gen"], lab["fw"]
    first, second = {4: (BLOCKED, OTHER), 6: ("2001:db8:bad::1", "2001:db8:bad::2")}[version]
    blocklist.write_text(f"{first}\n")
    afxfw = start_afxfw(fw, "--mode", mode, "--blocklist", blocklist)
    frames = {source: Flow(gen, fw, source).frame(echo_request(version))
              for source in (first, second)}

    def check(blocked, accepted):
        family = {4: "ip", 6: "ip6"}[version]
        with Counters(fw, blocked=f"{family} saddr {blocked}",
                      accepted=f"{family} saddr {accepted}") as counters:
            with afxfw.rises((lambda now: now["drop_reasons"]["blocklist"], 3),
                             (lambda now: now["total"]["accepted"], 4)):
                send(gen, [frames[blocked]] * 3 + [frames[accepted]] * 4)
            counters.wait(blocked=0, accepted=4)

    check(blocked=first, accepted=second)
    blocklist.write_text(f"{second}\n")
    assert afxfw.reload()["ruleset_generation"] == 2
    check(blocked=second, accepted=first)


def test_nothing_is_lost_under_traffic(lab, start_afxfw, mode, blocklist):
    """Half of the traffic is blocked by some of the lists, the other half by none."""
    gen, fw = lab["gen"], lab["fw"]
    many = "".join(f"198.19.{n >> 8}.{n & 255}\n" for n in range(ENTRIES))
    contents = [f"{HALF}\n", many, f"{many}{HALF}\n"]
    afxfw = start_afxfw(fw, "--mode", mode, "--blocklist", blocklist, *LARGE_RINGS)
    with (Counters(fw, other=f"ip saddr {OTHER_HALF}", seen="") as counters,
          Pktgen(gen, dst_mac=fw.mac, src=SOURCES, order="sequential", dst=fw.ipv4, proto="tcp",
                 dport=443, count=COUNT, rate=PACED) as traffic):
        afxfw.wait_stats(lambda now: now["total"]["received"] > 0, "traffic")
        for number in range(RELOADS_UNDER_TRAFFIC):
            blocklist.write_text(contents[number % len(contents)])
            stats = afxfw.reload()
        assert stats["total"]["received"] < COUNT  # so that it was under traffic
        assert traffic.report()["sent"] == COUNT
        afxfw.wait_stats(lambda now: now["inline"]["redirect"] == COUNT, f"{COUNT} packets")
        final = afxfw.finish()
        counters.wait(other=COUNT // 2, seen=final["total"]["reinjected"])
    for stats in afxfw.all_stats:
        check_accounting(stats)
    check_final(final)
    assert final["ruleset_generation"] == 1 + RELOADS_UNDER_TRAFFIC
    assert final["total"]["kernel_drops"] == 0
    assert 0 < final["total"]["dropped"] < COUNT // 2


def test_a_list_that_does_not_parse_changes_nothing(lab, start_afxfw, blocklist):
    gen, fw = lab["gen"], lab["fw"]
    afxfw = start_afxfw(fw, "--blocklist", blocklist)
    blocklist.write_text(f"# a comment\n{OTHER}\n300.1.2.3\n")
    afxfw.send(signal.SIGHUP)
    afxfw.wait_for_line("reload failed, the rules in force stay")
    afxfw.wait_for_line(rf"^{blocklist}:3:\d+: .*'300\.1\.2\.3'")
    with afxfw.rises((lambda now: now["drop_reasons"]["blocklist"], 1),
                     (lambda now: now["total"]["accepted"], 1)):
        send(gen, [Flow(gen, fw, source).frame(echo_request(4)) for source in (BLOCKED, OTHER)])
    assert afxfw.stats["ruleset_generation"] == 1
    blocklist.write_text(f"{OTHER}\n")
    assert afxfw.reload()["ruleset_generation"] == 2


def test_a_list_that_is_gone_changes_nothing(lab, start_afxfw, blocklist):
    gen, fw = lab["gen"], lab["fw"]
    afxfw = start_afxfw(fw, "--blocklist", blocklist)
    blocklist.unlink()
    afxfw.send(signal.SIGHUP)
    afxfw.wait_for_line(rf"{blocklist}.*No such file")
    with afxfw.rises((lambda now: now["drop_reasons"]["blocklist"], 1)):
        send(gen, [Flow(gen, fw, BLOCKED).frame(echo_request(4))])
    assert afxfw.finish()["ruleset_generation"] == 1


def test_many_reloads_at_once(lab, start_afxfw, blocklist):
    """Some signals merge; the last one counts."""
    gen, fw = lab["gen"], lab["fw"]
    afxfw = start_afxfw(fw, "--blocklist", blocklist)
    for number in range(RAPID_RELOADS):
        blocklist.write_text(f"198.19.0.{number}\n")
        afxfw.send(signal.SIGHUP)
    last = Flow(gen, fw, f"198.19.0.{RAPID_RELOADS - 1}").frame(echo_request(4))
    afxfw.reload()
    with afxfw.rises((lambda now: now["drop_reasons"]["blocklist"], 1),
                     (lambda now: now["total"]["accepted"], 1)):
        send(gen, [last, Flow(gen, fw, BLOCKED).frame(echo_request(4))])
    assert 2 < afxfw.finish()["ruleset_generation"] <= RAPID_RELOADS + 2
