"""The scenes of tools/demo: what each host tries, what should come of it, what did."""

import contextlib
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

# pylint: disable=wrong-import-position
from harness.afxfw import Afxfw  # noqa: E402
from harness.lab import Lab  # noqa: E402
from harness.nft import Counters  # noqa: E402
from harness.pktgen import pktgen  # noqa: E402
from harness.servers import curl, http_server, iperf3, iperf3_server  # noqa: E402

REAL_LIST = ROOT / "bench" / "data" / "ipsum-level1.txt"
LAB_LIST = "# sources of the lab's attacker\n198.51.100.0/24\n2001:db8:bad::/48\n"
BLOCKED_IPV4 = "198.51.100.7"
BLOCKED_IPV6 = "2001:db8:bad::7"
PINGS = 5
PACKETS = 1000
FLOOD_S = 3

BOLD, GREEN, RED, PLAIN = (
    ("\033[1m", "\033[32m", "\033[31m", "\033[0m") if sys.stdout.isatty() else ("",) * 4)


class Table:
    """Rows of: who does what, what should come of it, what was seen."""

    def __init__(self):
        self.failed = 0

    def title(self, text):
        print(f"\n{BOLD}{text}{PLAIN}")

    def row(self, what, expected, seen, good):
        self.failed += 0 if good else 1
        mark = f"{GREEN}ok{PLAIN}" if good else f"{RED}UNEXPECTED{PLAIN}"
        print(f"  {what:<46} {expected:<26} {seen:<30} {mark}", flush=True)


def pings_answered(host, address, *options):
    done = host.run("ping", "-n", "-q", "-i", "0.05", "-W", "1", "-c", PINGS, *options, address,
                    check=False)
    return int(done.stdout.split(" received")[0].split()[-1])


def fetches(host, address, port):
    return curl(host, address, "/", "--connect-timeout", 1, port=port).returncode == 0


def show_reinjected(table, lab):
    table.title("Accepted by a worker, and reinjected: the host sees it as if just received")
    client, fw = lab["client"], lab["fw"]
    for address in (fw.ipv4, fw.ipv6):
        count = pings_answered(client, address)
        table.row(f"client pings {address}", "answered", f"{count} of {PINGS} answered",
                  count == PINGS)
    for address in (fw.ipv4, fw.ipv6):
        with http_server(fw, ROOT / "bench", 8080):
            good = fetches(client, address, 8080)
        table.row(f"client: HTTP, {address} port 8080", "served",
                  "200 OK" if good else "no answer", good)
    with iperf3_server(fw):
        report = iperf3(client, fw.ipv4, "--time", 2)
    rate = report["sum_received"]["bits_per_second"]
    table.row("client: iperf3 over TCP, 2 s", "runs", f"{rate / 1e9:.2f} Gbit/s", rate > 0)


def show_inline(table, lab):
    table.title("Dropped inline by XDP: never leaves the driver")
    client, fw = lab["client"], lab["fw"]
    with http_server(fw, ROOT / "bench", 80):
        good = fetches(client, fw.ipv4, 80)
    table.row("client: HTTP, port 80", "no answer", "200 OK" if good else "timed out", not good)
    with Counters(fw, seen="meta l4proto udp") as counters:
        sent = pktgen(client, dst_mac=fw.mac, src="198.18.0.2", dst=fw.ipv4, proto="udp",
                      dport=5000, count=PACKETS)["sent"]
        arrived = counters.read()["seen"]
    table.row(f"client sends {sent} UDP packets", "none reaches the host", f"{arrived} arrived",
              arrived == 0)


def show_blocked(table, lab):
    table.title("Dropped by a worker: the source is on the blocklist")
    attacker, fw = lab["attacker"], lab["fw"]
    for source, address in ((BLOCKED_IPV4, fw.ipv4), (BLOCKED_IPV6, fw.ipv6)):
        count = pings_answered(attacker, address, "-I", source)
        table.row(f"attacker pings from {source}", "no answer", f"{count} of {PINGS} answered",
                  count == 0)
    with Counters(fw, seen="ip saddr 198.51.100.0/24") as counters:
        report = pktgen(attacker, dst_mac=fw.mac, src="198.51.100.0/24", dst=fw.ipv4, proto="tcp",
                        dport=443, duration=FLOOD_S)
        arrived = counters.read()["seen"]
    table.row(f"attacker floods TCP/443 for {FLOOD_S} s", "none reaches the host",
              f"{report['sent'] / report['duration_s'] / 1e6:.2f} Mpps sent, {arrived} arrived",
              arrived == 0)


def show_counters(table, stats):
    xdp, total = stats["inline"], stats["total"]
    table.title("What afxfw counted (its JSON, last line)")
    listing = {
        "dropped inline by XDP": xdp["drop"],
        "passed by XDP (ARP, neighbour discovery)": xdp["pass"],
        "redirected to the workers": xdp["redirect"],
        "lost by the kernel, rings full": total["kernel_drops"],
        "received by the workers": total["received"],
        **{f"rule: {rule['text']}": rule["packets"] for rule in stats["rules"]},
        "accepted": total["accepted"],
        "reinjected": total["reinjected"],
    }
    for what, packets in listing.items():
        print(f"  {what:<46} {packets:>15,}")
    table.title("The counters agree")
    table.row("redirected = received + lost", f"{xdp['redirect']:,}",
              f"{total['received']:,} + {total['kernel_drops']:,}",
              xdp["redirect"] == total["received"] + total["kernel_drops"])
    table.row("received = accepted + dropped", f"{total['received']:,}",
              f"{total['accepted']:,} + {total['dropped']:,}",
              total["received"] == total["accepted"] + total["dropped"])
    table.row("accepted = reinjected", f"{total['accepted']:,}", f"{total['reinjected']:,}",
              total["accepted"] == total["reinjected"])
    missing = sum(queue["frames_unaccounted"] for queue in stats["queues"])
    table.row("every frame of packet memory is accounted for", "0 missing", f"{missing} missing",
              missing == 0)


def main():
    table = Table()
    with contextlib.ExitStack() as stack:
        lists = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="afxfw-demo-")))
        (lists / "lab.netset").write_text(LAB_LIST, encoding="ascii")
        lab = stack.enter_context(Lab(f"afxdemo-{os.getpid()}"))
        options = ["--queues", "8", "--blocklist", REAL_LIST,
                   "--blocklist", lists / "lab.netset"]
        print("client ──┐\n         ├─ bridge ── eth0, 8 queues: afxfw ── host fw\nattacker ┘\n")
        print("afxfw --iface eth0 " + " ".join(
            str(part).replace(f"{ROOT}/", "").replace(f"{lists}/", "") for part in options))
        firewall = stack.enter_context(Afxfw(lab["fw"], *options)).wait_ready()
        show_reinjected(table, lab)
        show_inline(table, lab)
        show_blocked(table, lab)
        show_counters(table, firewall.finish())
        table.title("After Ctrl-C")
        left = [name for name in lab["fw"].link_names() if name not in ("lo", "eth0")]
        table.row("detached, nothing left behind", "only lo and eth0",
                  ", ".join(left) or "only lo and eth0", not left)
        answered = pings_answered(lab["attacker"], lab["fw"].ipv4, "-I", BLOCKED_IPV4)
        table.row(f"attacker pings from {BLOCKED_IPV4}", "answered", f"{answered} of {PINGS} answered",
                  answered == PINGS)
    if table.failed:
        print(f"\n{table.failed} not as expected")
        return 1
    print("\nAll as expected. Try it yourself: tools/lab --help")
    return 0


if __name__ == "__main__":
    sys.exit(main())
