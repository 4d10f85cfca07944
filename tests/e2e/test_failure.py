"""What happens while afxfw is dead: --on-failure, what the next start makes of it, --detach."""

import signal

import pytest
from harness.accounting import check_final
from harness.afxfw import AFXFW, LARGE_RINGS
from harness.frames import Flow, echo_request, send, tcp, udp
from harness.lab import Lab
from harness.nft import Counters
from harness.pktgen import Pktgen
from harness.wait import wait_until

pytestmark = pytest.mark.lab(topology="pair", queues=2)

COUNT = 500
PACED = 20_000  # packets a second
BLOCKED = "198.51.100.7"


def program_id(host):
    """Of the attached XDP program, None without one."""
    xdp = host.link().get("xdp")
    return xdp["prog"]["id"] if xdp else None


def received(host):
    """Packets that its interface has received, whatever XDP did with them."""
    return host.link()["stats64"]["rx"]["packets"]


def kill(afxfw):
    afxfw.send(signal.SIGKILL)
    assert afxfw.wait() == -signal.SIGKILL


def offloads(host):
    return host.run("ethtool", "-k", host.interface).stdout


@pytest.fixture(autouse=True)
def nothing_left(lab):
    """For the next test, whatever this one did."""
    yield
    lab["fw"].run(AFXFW, "--detach", "--iface", "eth0")


@pytest.fixture
def start_and_kill(lab, mode, start_afxfw):
    return lambda *options: kill(start_afxfw(lab["fw"], "--mode", mode, *options))


@pytest.mark.parametrize("on_failure", ["pass", "drop"])
def test_traffic_follows_on_failure(lab, start_and_kill, version, on_failure):
    """What XDP decides itself, it still does."""
    gen, fw = lab["gen"], lab["fw"]
    flow = Flow(gen, fw, version=version)
    start_and_kill("--on-failure", on_failure)
    before = received(fw)
    with Counters(fw, udp="meta l4proto udp", tcp="meta l4proto tcp") as counters:
        send(gen, [flow.frame(udp(1024, 53)), flow.frame(tcp(1024, 443))] * COUNT)
        wait_until(lambda: received(fw) == before + 2 * COUNT, f"{2 * COUNT} packets")
    assert counters.last == {"udp": 0, "tcp": COUNT if on_failure == "pass" else 0}


def test_killed_under_traffic_with_pass_the_host_goes_on_receiving(lab, start_afxfw, mode):
    gen, fw = lab["gen"], lab["fw"]
    afxfw = start_afxfw(fw, "--mode", mode, "--on-failure", "pass")
    with (Pktgen(gen, dst_mac=fw.mac, src=gen.ipv4, dst=fw.ipv4, proto="tcp", dport=443,
                 rate=PACED) as traffic):
        afxfw.wait_stats(lambda now: now["total"]["reinjected"] > COUNT, "traffic")
        kill(afxfw)
        with Counters(fw, tcp="tcp dport 443") as counters:
            wait_until(lambda: counters.read()["tcp"] > COUNT, "traffic after the kill")
        traffic.finish()


def test_a_restart_under_traffic_lets_nothing_through_unfiltered(lab, start_afxfw, mode):
    """With drop, the host sees from the kill on exactly what the new workers reinject."""
    gen, fw = lab["gen"], lab["fw"]
    options = ("--mode", mode, "--on-failure", "drop", *LARGE_RINGS)
    first = start_afxfw(fw, *options)
    with (Pktgen(gen, dst_mac=fw.mac, src=gen.ipv4, dst=fw.ipv4, proto="tcp", dport=443,
                 rate=PACED) as traffic):
        first.wait_stats(lambda now: now["total"]["reinjected"] > COUNT, "traffic")
        kill(first)
        with Counters(fw, tcp="tcp dport 443") as counters:
            second = start_afxfw(fw, *options)
            second.wait_stats(lambda now: now["total"]["reinjected"] > COUNT, "traffic")
            traffic.finish()
            final = second.finish()
            counters.wait(tcp=final["total"]["reinjected"])
    check_final(final)


@pytest.mark.parametrize("next_mode", ["native", "generic"])
def test_a_restart_replaces_what_was_left(lab, start_afxfw, mode, next_mode, tmp_path):
    gen, fw = lab["gen"], lab["fw"]
    links, features = fw.link_names(), offloads(fw)
    (tmp_path / "block").write_text(f"{BLOCKED}\n")
    first = start_afxfw(fw, "--mode", mode)
    pair, left = fw.link_names(), program_id(fw)
    kill(first)
    assert (program_id(fw), fw.link_names()) == (left, pair)

    second = start_afxfw(fw, "--mode", next_mode, "--blocklist", tmp_path / "block")
    second.wait_for_line("replacing the XDP program that an earlier afxfw left behind")
    second.wait_for_line("removed the reinjection pair that an earlier afxfw left behind")
    assert program_id(fw) not in (left, None)
    assert fw.link_names() == pair
    with second.rises((lambda now: now["drop_reasons"]["blocklist"], COUNT),
                      (lambda now: now["total"]["reinjected"], COUNT)):
        send(gen, [Flow(gen, fw, source).frame(echo_request(4))
                   for source in (BLOCKED, gen.ipv4)] * COUNT)
    final = second.finish()
    check_final(final)
    assert final["xdp_mode"] == next_mode
    assert (program_id(fw), fw.link_names(), offloads(fw)) == (None, links, features)


def test_detach_removes_what_was_left(lab, start_and_kill):
    fw = lab["fw"]
    links, features = fw.link_names(), offloads(fw)
    start_and_kill()
    done = fw.run(AFXFW, "--detach", "--iface", "eth0")
    assert "removed the XDP program and the reinjection pair" in done.stdout
    assert (program_id(fw), fw.link_names(), offloads(fw)) == (None, links, features)


def test_changed_offloads_are_put_back_after_a_kill(lab, mode, start_and_kill):
    fw = lab["fw"]
    fw.run("ethtool", "-K", "eth0", "gro", "on", "rxvlan", "on")
    features = offloads(fw)
    start_and_kill()
    assert "rx-vlan-offload: off" in offloads(fw)
    assert f"generic-receive-offload: {'on' if mode == 'native' else 'off'}" in offloads(fw)
    fw.run(AFXFW, "--detach", "--iface", "eth0")
    assert offloads(fw) == features
    fw.run("ethtool", "-K", "eth0", "rxvlan", "off")


def test_detach_finds_nothing(lab):
    done = lab["fw"].run(AFXFW, "--detach", "--iface", "eth0")
    assert "nothing of afxfw's was left there" in done.stdout


def test_a_foreign_interface_of_the_pairs_name_is_left_alone(lab):
    fw = lab["fw"]
    name = f"afxfw{fw.link()['ifindex']}tx"
    fw.run("ip", "link", "add", name, "type", "veth", "peer", "name", "other")
    fw.run("ip", "link", "set", name, "alias", "somebody else's")
    done = fw.run(AFXFW, "--iface", "eth0", check=False)
    assert done.returncode == 1
    assert f"{name} stands in the way of the reinjection pair and is not ours" in done.stderr
    assert name in fw.link_names()
    assert program_id(fw) is None
    fw.run("ip", "link", "delete", name)


class TestTwoAtOnce:
    @pytest.mark.parametrize("option", [None, "--detach"])
    def test_the_second_is_refused_and_says_who_holds_the_interface(self, lab, start_afxfw,
                                                                    option):
        gen, fw = lab["gen"], lab["fw"]
        first = start_afxfw(fw)
        done = fw.run(AFXFW, "--iface", "eth0", *([option] if option else []), check=False)
        assert done.returncode == 1
        assert f"eth0 is already filtered by the afxfw with pid {first.pid}" in done.stderr
        with first.rises((lambda now: now["total"]["reinjected"], COUNT)):
            send(gen, [Flow(gen, fw).frame(echo_request(4))] * COUNT)
        check_final(first.finish())

    def test_eth0_of_another_network_is_another_interface(self, lab_prefix, start_afxfw):
        with Lab(lab_prefix(), queues=2) as lab:
            running = [start_afxfw(lab[name]) for name in ("fw", "client")]
            assert lab["client"].ping(lab["fw"].ipv4)
            for afxfw in running:
                assert afxfw.finish()["total"]["reinjected"] > 0


def test_what_was_left_in_a_network_that_is_gone_is_forgotten(lab_prefix, start_afxfw):
    """A new network namespace gets the inode of an old one."""
    prefix = lab_prefix()
    with Lab(prefix, "pair", queues=2) as gone:
        killed = start_afxfw(gone["fw"], "--mode", "generic")
        lock_file = killed.lock_file
        kill(killed)
    with Lab(prefix, "pair", queues=2) as lab:
        fw = lab["fw"]
        fw.run("ethtool", "-K", "eth0", "gro", "off")
        features = offloads(fw)
        start_afxfw(fw, "--mode", "native").finish()
        assert offloads(fw) == features
    lock_file.unlink()
