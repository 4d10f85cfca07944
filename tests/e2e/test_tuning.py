"""Whatever rings, batches and ways of waiting: nothing is lost from the accounting."""

import os
import re
from pathlib import Path

import pytest
from harness.accounting import check_accounting, check_final
from harness.frames import Flow, echo_request, send
from harness.nft import Counters
from harness.pktgen import pktgen

pytestmark = pytest.mark.lab(topology="pair", queues=2)

FLOOD = 50_000
PINGS = 20
CASES = {
    "smallest rings": ["--ring-size", "64", "--frames", "192"],
    "largest rings": ["--ring-size", "32768", "--frames", "65600"],
    "batches of one": ["--batch", "1"],
    "largest batches": ["--batch", "256"],
    "fewest frames": ["--ring-size", "2048", "--frames", "4160"],
    "busy polling": ["--busy-poll"],
    "coalescing": ["--coalesce", "200"],
    "all workers on one CPU": ["--cpus", "0"],
    "copying": ["--zero-copy", "off"],
}


def settled(stats):
    """No packet is on its way to a worker or back to the host."""
    total = stats["total"]
    return (total["received"] + total["kernel_drops"] == stats["inline"]["redirect"] and
            total["reinjected"] + total["tx_full"] == total["accepted"])


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
def test_accounts_for_each_packet(lab, start_afxfw, mode, options):
    gen, fw = lab["gen"], lab["fw"]
    afxfw = start_afxfw(fw, "--mode", mode, *options)
    with Counters(fw, seen="") as counters:
        sent = pktgen(gen, dst_mac=fw.mac, src=gen.ipv4, dst=fw.ipv4, proto="tcp", dport=443,
                      count=FLOOD)["sent"]
        stats = afxfw.wait_stats(lambda now: now["inline"]["redirect"] == sent and settled(now),
                                 f"{sent} packets")
        # And it is not stuck after it, a full or an empty ring being where that happens.
        before = stats["total"]["reinjected"]
        counters.wait(seen=before)
        for number in range(PINGS):
            send(gen, [Flow(gen, fw).frame(echo_request(4))])
            counters.wait(seen=before + number + 1)
        final = afxfw.finish()
        counters.wait(seen=final["total"]["reinjected"])
    check_final(final)
    for stats in afxfw.all_stats:
        check_accounting(stats)


def napi_settings(lab):
    """Through a /sys of that network: /sys itself shows the machine's."""
    done = lab["fw"].run("unshare", "--mount", "sh", "-c", "mount -t sysfs none /sys && "
                         "cat /sys/class/net/eth0/napi_defer_hard_irqs "
                         "/sys/class/net/eth0/gro_flush_timeout")
    return [int(line) for line in done.stdout.split()]


def test_busy_polling_changes_settings_while_it_runs(lab, start_afxfw):
    before = napi_settings(lab)
    afxfw = start_afxfw(lab["fw"], "--busy-poll")
    assert napi_settings(lab) == [2, 200_000]
    final = afxfw.finish()
    assert napi_settings(lab) == before
    assert all(queue["sleeps"] == 0 for queue in final["queues"])


def test_says_so_if_there_is_nothing_to_poll(lab, start_afxfw):
    """Sockets do not learn a veth's NAPI (Linux 6.18), and interrupts that are put off would only be
    late."""
    gen, fw = lab["gen"], lab["fw"]
    before = napi_settings(lab)
    afxfw = start_afxfw(fw, "--busy-poll")
    pktgen(gen, dst_mac=fw.mac, src=gen.ipv4, dst=fw.ipv4, proto="tcp", dport=443, count=100)
    afxfw.wait_for_line("veth does not tell sockets whom to poll, so --busy-poll only keeps")
    assert napi_settings(lab) == before


def test_workers_run_where_they_are_told(lab, start_afxfw):
    final = start_afxfw(lab["fw"], "--cpus", "1,0").finish()
    assert [queue["cpu"] for queue in final["queues"]] == [1, 0]


def test_what_is_no_worker_leaves_the_workers_cpu_alone(lab, start_afxfw):
    afxfw = start_afxfw(lab["fw"], "--cpus", "1", "--log-packets", "drop")
    workers, others = [], []
    for task in Path(f"/proc/{afxfw.pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        is_worker = name.startswith("afxfw/q")
        (workers if is_worker else others).append(os.sched_getaffinity(int(task.name)))
    assert workers == [{1}] * 2
    assert len(others) > 1 and all(cpus == os.sched_getaffinity(0) - {1} for cpus in others)


def voluntary_switches(pid, thread_name):
    """How often the thread has gone to sleep."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        status = (task / "status").read_text()
        if status.startswith(f"Name:\t{thread_name}\n"):
            return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)$", status, re.MULTILINE)[1])
    pytest.fail(f"there is no thread {thread_name}")


@pytest.mark.parametrize(("options", "sleeps"), [([], False), (["--coalesce", "100"], True)],
                         ids=["spinning", "coalescing"])
def test_a_coalescing_worker_sleeps_between_packets_that_keep_coming(lab, start_afxfw, options,
                                                                     sleeps):
    gen, fw, packets = lab["gen"], lab["fw"], 20_000
    # One queue, whose worker gets all.
    fw.run("ethtool", "-L", "eth0", "rx", "1")
    try:
        afxfw = start_afxfw(fw, "--reinject", "none", "--cpus", "1", *options)
        before = voluntary_switches(afxfw.pid, "afxfw/q0")
        # 50 us apart, much less than it spins without a packet.
        pktgen(gen, dst_mac=fw.mac, src=gen.ipv4, dst=fw.ipv4, proto="tcp", dport=443,
               count=packets, rate=20_000, burst=1, cpus=0)
        afxfw.wait_stats(lambda now: now["total"]["received"] == packets, f"{packets} packets")
        slept = voluntary_switches(afxfw.pid, "afxfw/q0") - before
        assert (slept > packets / 20) == sleeps
        check_final(afxfw.finish(), reinject=False)
    finally:
        fw.run("ethtool", "-L", "eth0", "rx", "2")
