"""The veth pair that afxfw-pktgen's own tests run on, and independent counters at its end.

Two network namespaces, joined by a veth pair: gen0 in afxpg-PID-gen sends, dut0 in afxpg-PID-dut
receives. Needs root, clang, bpftool, nft, tcpdump and ethtool.
"""

import json
import os
import shutil
import struct
import subprocess

from .pktgen import PKTGEN

TOOLS = ["clang", "bpftool", "nft", "tcpdump", "ethtool", "ip", "nsenter", "setpriv"]
METHODS = ["live", "xsk"]

# With the process id: two runs of the tests must not delete each other's.
GENERATOR = f"afxpg-{os.getpid()}-gen"
RECEIVER = f"afxpg-{os.getpid()}-dut"
MARKER_MAC = "02:00:5e:10:00:01"  # by which receivers tell pktgen's frames from the kernel's
RECEIVER_MAC = "02:00:5e:10:00:02"

# Counts frames from MARKER_MAC by source address (low 16 bits), verifies IPv4
# header checksums, and overwrites the frame, so that a sender that relied on
# what its reused frames held before would be found out.
COUNTER_PROGRAM = r"""
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u64);
} sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} bad_checksums SEC(".maps");

static void count(void *map, __u32 key)
{
	__u64 *value = bpf_map_lookup_elem(map, &key);
	if (value)
		++*value;
}

SEC("xdp")
int count_and_drop(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__u16 *words = (void *)ip;
	__u32 sum = 0;

	if ((void *)(ip + 1) + 26 > (void *)(long)ctx->data_end)
		return XDP_DROP;
	if (eth->h_source[0] != 0x02 || eth->h_source[2] != 0x5e || eth->h_source[5] != 0x01)
		return XDP_DROP;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_DROP;
	for (int i = 0; i < 10; i++)
		sum += words[i];
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	if (sum != 0xffff)
		count(&bad_checksums, 0);
	count(&sources, bpf_ntohl(ip->saddr) & 0xffff);
	__builtin_memset(data, 0xa5, 60);
	return XDP_DROP;
}

SEC("xdp.pass")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}
"""


def missing():
    if os.geteuid() != 0:
        return "needs root"
    if not PKTGEN.exists():
        return f"{PKTGEN} is not built"
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    return f"needs {', '.join(absent)}" if absent else ""


def run(*command, check=True, **options):
    return subprocess.run(
        [str(word) for word in command], check=check, capture_output=True, text=True, **options
    )


def inside(namespace, *command, **options):
    return run("nsenter", f"--net=/run/netns/{namespace}", *command, **options)


def delete_namespaces():
    for name in (GENERATOR, RECEIVER):
        run("ip", "netns", "delete", name, check=False)


def pktgen_command(*options):
    return [
        "nsenter", f"--net=/run/netns/{GENERATOR}", str(PKTGEN), "--iface", "gen0", "--json",
        "--src-mac", MARKER_MAC, "--dst-mac", RECEIVER_MAC, *[str(option) for option in options],
    ]  # fmt: skip


def pktgen(*options, expect=0):
    """The report of a run that ends with this exit code, and what it said on stderr."""
    result = run(*pktgen_command(*options), check=False, timeout=120)
    assert result.returncode == expect, result.stderr
    return (json.loads(result.stdout) if result.stdout else None), result.stderr


def statistics(namespace, interface):
    link = json.loads(run("ip", "-n", namespace, "-s", "-j", "link", "show", interface).stdout)
    return link[0]["stats64"]


class Counter:
    """The counting XDP program on dut0."""

    def __init__(self, object_file):
        run("ip", "-n", RECEIVER, "link", "set", "dut0", "xdp", "obj", object_file, "sec", "xdp")
        link = json.loads(run("ip", "-n", RECEIVER, "-j", "-d", "link", "show", "dut0").stdout)
        program = json.loads(
            run("bpftool", "-j", "prog", "show", "id", link[0]["xdp"]["prog"]["id"]).stdout
        )
        maps = [
            json.loads(run("bpftool", "-j", "map", "show", "id", number).stdout)
            for number in program["map_ids"]
        ]
        self.maps = {entry["name"]: entry["id"] for entry in maps}

    def read(self, name):
        """Sums over CPUs, by key."""
        dump = json.loads(run("bpftool", "-j", "map", "dump", "id", self.maps[name]).stdout)
        return [sum(cpu["value"] for cpu in entry["formatted"]["values"]) for entry in dump]

    def total(self):
        assert self.read("bad_checksums") == [0]
        return sum(self.read("sources"))


class NftCounter:
    """What reaches dut0's ingress from MARKER_MAC."""

    def __init__(self):
        rules = f"""table netdev pktgen {{
          chain ingress {{
            type filter hook ingress device dut0 priority 0;
            ether saddr {MARKER_MAC} counter drop
          }}
        }}"""
        inside(RECEIVER, "nft", "-f", "-", input=rules)

    def total(self):
        listing = json.loads(inside(RECEIVER, "nft", "-j", "list", "table", "netdev", "pktgen").stdout)
        rules = [entry["rule"] for entry in listing["nftables"] if "rule" in entry]
        return next(e["counter"]["packets"] for e in rules[0]["expr"] if "counter" in e)


class Capture:
    """Frames from MARKER_MAC as tcpdump sees them on dut0, until `count` have come."""

    def __init__(self, file, count):
        self.file = file
        self.process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{RECEIVER}", "tcpdump", "-i", "dut0", "-Z", "root",
             "-w", str(file), "-U", "-B", "16384", "-c", str(count), f"ether src {MARKER_MAC}"],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        for line in self.process.stderr:
            if "listening on" in line:
                return
        raise AssertionError("tcpdump did not start")

    def finish(self):
        try:
            self.process.wait(timeout=20)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stderr.close()

    def frames(self):
        data = self.file.read_bytes()
        position = 24  # the file's header
        frames = []
        while position < len(data):
            length = struct.unpack_from("=I", data, position + 8)[0]
            frames.append(data[position + 16 : position + 16 + length])
            position += 16 + length
        return frames

    def verbose(self):
        return run("tcpdump", "-r", self.file, "-vv", "-n", "-e").stdout


def capture(tmp_path, count, *options):
    taken = Capture(tmp_path / "capture.pcap", count)
    try:
        pktgen("--count", count, "--rate", 5000, *options)
    finally:
        taken.finish()
    return taken
