"""afxfw-pktgen against independent counters: an XDP program, nftables, tcpdump, UDP sockets.

Makes two network namespaces of its own, joined by a veth pair: gen0 in afxpg-PID-gen
sends, dut0 in afxpg-PID-dut receives. Needs root, clang, bpftool, nft, tcpdump and ethtool.
The build directory is taken from AFXFW_BUILD, by default build/ in the repository.
"""

import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import time

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("AFXFW_BUILD", REPOSITORY / "build"))
PKTGEN = BUILD / "tools" / "pktgen" / "afxfw-pktgen"
TOOLS = ["clang", "bpftool", "nft", "tcpdump", "ethtool", "ip", "nsenter", "setpriv"]

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


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "-")


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


@pytest.fixture(scope="session")
def objects(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bpf")
    (folder / "counter.bpf.c").write_text(COUNTER_PROGRAM)
    run("clang", "-target", "bpf", "-O2", "-g", f"-I/usr/include/{os.uname().machine}-linux-gnu",
        "-c", folder / "counter.bpf.c", "-o", folder / "counter.bpf.o")  # fmt: skip
    return folder / "counter.bpf.o"


@pytest.fixture
def lab():
    """gen0 and dut0, up, with two queues each, no XDP program, no offloads."""
    delete_namespaces()
    try:
        for name in (GENERATOR, RECEIVER):
            run("ip", "netns", "add", name)
            inside(name, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0",
                   "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.default.addr_gen_mode=1",
                   "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")  # fmt: skip
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "link", "add", "gen0", "netns", GENERATOR, "numrxqueues", 2, "numtxqueues", 2,
            "type", "veth", "peer", "name", "dut0", "netns", RECEIVER,
            "numrxqueues", 2, "numtxqueues", 2)  # fmt: skip
        run("ip", "-n", RECEIVER, "link", "set", "dut0", "address", RECEIVER_MAC)
        for name, interface in ((GENERATOR, "gen0"), (RECEIVER, "dut0")):
            inside(name, "ethtool", "-K", interface, "tx", "off", "tso", "off", "gso", "off",
                   "gro", "off")  # fmt: skip
            run("ip", "-n", name, "link", "set", interface, "up")
        yield
    finally:
        delete_namespaces()


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


@pytest.fixture
def counter(lab, objects):
    return Counter(objects)


@pytest.fixture
def passing(lab, objects):
    """A native program on dut0 that passes everything: it takes live frames then."""
    run("ip", "-n", RECEIVER, "link", "set", "dut0", "xdp", "obj", objects, "sec", "xdp.pass")


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


def statistics(namespace, interface):
    link = json.loads(run("ip", "-n", namespace, "-s", "-j", "link", "show", interface).stdout)
    return link[0]["stats64"]


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


METHODS = ["live", "xsk"]


@pytest.mark.parametrize("method", METHODS)
def test_count_is_exact(counter, method):
    report, _ = pktgen("--method", method, "--count", 500_003)
    assert report["method"] == method
    assert report["end"] == "count"
    assert report["sent"] == 500_003
    assert report["bytes"] == 500_003 * 60
    assert counter.total() == 500_003


@pytest.mark.parametrize("method", METHODS)
def test_every_packet_is_sent_once_by_several_threads(counter, method):
    """Sequential sources, so that each address must be seen equally often.

    Both threads of the live method fill the receiver's queues; what those
    refuse must be offered again, the same packet.
    """
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two CPUs")
    rounds = 12 if method == "live" else 4
    report, _ = pktgen("--method", method, "--threads", 2, "--batch", 256, "--order",
                       "sequential", "--src", "198.18.0.0/16", "--count", rounds * 65536)  # fmt: skip
    assert report["sent"] == rounds * 65536
    assert sum(thread["sent"] for thread in report["threads"]) == report["sent"]
    assert set(counter.read("sources")) == {rounds}
    assert counter.read("bad_checksums") == [0]


def test_refused_frames_are_counted_and_sent_again(counter):
    """Two threads and one receive queue of 256 frames: it overflows."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two CPUs")
    # In this order: an XDP program needs as many receive queues as the peer can send to.
    inside(GENERATOR, "ethtool", "-L", "gen0", "rx", 1, "tx", 1)
    inside(RECEIVER, "ethtool", "-L", "dut0", "rx", 1, "tx", 1)
    before = statistics(GENERATOR, "gen0")["tx"]["dropped"]
    report, _ = pktgen("--method", "live", "--threads", 2, "--batch", 256, "--order",
                       "sequential", "--src", "198.18.0.0/16", "--count", 40 * 65536)  # fmt: skip
    assert report["refused"] > 0, "the queue did not overflow: the test shows nothing"
    # veth adds to one queue's counters from both CPUs without a lock, and loses some.
    assert 0 < statistics(GENERATOR, "gen0")["tx"]["dropped"] - before <= report["refused"]
    assert report["sent"] == 40 * 65536
    assert set(counter.read("sources")) == {40}


@pytest.mark.parametrize("method", METHODS)
def test_nftables_counts_the_same(passing, method):
    receiver = NftCounter()
    report, _ = pktgen("--method", method, "--count", 100_000)
    assert report["sent"] == 100_000
    assert receiver.total() == 100_000


def test_auto_uses_live_frames_where_they_are_taken(counter):
    report, _ = pktgen("--count", 10)
    assert report["method"] == "live"
    assert counter.total() == 10, "finding out sends no frame of its own"


def test_auto_falls_back_to_af_xdp(lab):
    receiver = NftCounter()
    report, _ = pktgen("--count", 1000)
    assert report["method"] == "xsk"
    assert "native XDP program" in report["method_reason"]
    assert report["sent"] == 1000
    assert receiver.total() == 1000, "finding out sends no frame of its own"


def test_live_frames_work_with_gro_on_the_peer(lab):
    inside(RECEIVER, "ethtool", "-K", "dut0", "gro", "on")
    assert pktgen("--count", 10)[0]["method"] == "live"


def test_live_frames_that_nobody_takes_are_an_error(lab):
    report, error = pktgen("--method", "live", "--count", 10, expect=4)
    assert report["end"] == "stalled"
    assert report["sent"] == 0
    assert "gen0" in error and "--method xsk" in error


IPV4 = ["--src", "198.18.0.0/16", "--dst", "198.19.0.0/24"]
IPV6 = ["--src", "2001:db8:0:1::/64", "--dst", "2001:db8:0:2::/120"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("addresses", [IPV4, IPV6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("vlan", [[], ["--vlan", "42"]], ids=["untagged", "vlan"])
@pytest.mark.parametrize(
    "protocol, good",
    [
        (["--proto", "udp"], "udp sum ok"),
        (["--proto", "udp", "--size", "1401"], "udp sum ok"),
        (["--proto", "tcp", "--tcp-flags", "syn,ack"], "Flags [S.], cksum"),
        (["--proto", "icmp"], "echo request"),
    ],
    ids=["udp", "udp1401", "tcp", "icmp"],
)
def test_tcpdump_finds_nothing_wrong(passing, tmp_path, method, addresses, vlan, protocol, good):
    # More than the 256 frames after which live frames begin to be reused.
    text = capture(tmp_path, 400, "--method", method, *addresses, *vlan, *protocol).verbose()
    for complaint in ("bad udp", "bad icmp", "bad cksum", "incorrect", "wrong", "truncated", "|"):
        assert complaint not in text
    assert text.count(good) == 400
    if "tcp" in protocol:
        assert text.count("(correct)") == 400
    if "icmp" in protocol and addresses is IPV6:
        assert text.count("icmp6 sum ok") == 400
    if vlan:
        assert text.count("vlan 42") == 400


@pytest.mark.parametrize("options", [IPV4, IPV6 + ["--proto", "tcp"]], ids=["ipv4", "ipv6"])
def test_both_methods_send_the_same_packets(passing, tmp_path, options):
    frames = {
        method: capture(tmp_path, 300, "--method", method, "--seed", 99, *options).frames()
        for method in METHODS
    }
    assert frames["live"] == frames["xsk"]
    assert len(set(frames["live"])) == 300


RECEIVE = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
receiver = socket.socket(family, socket.SOCK_DGRAM)
SO_RCVBUFFORCE = 33  # not in Python's socket module
receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
receiver.bind((sys.argv[1], 4000))
print("ready", flush=True)
receiver.settimeout(30)
sizes = [len(receiver.recv(65536)) for _ in range(int(sys.argv[2]))]
receiver.settimeout(0.3)
try:
    receiver.recv(65536)
    sizes.append(-1)
except TimeoutError:
    pass
print(len(sizes), set(sizes))
"""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("address", ["198.19.0.1", "2001:db8:0:2::1"])
@pytest.mark.parametrize("fragmented", [False, True], ids=["whole", "fragments"])
def test_a_socket_receives_the_datagrams(passing, method, address, fragmented):
    source = "2001:db8:0:1::/64" if ":" in address else "198.18.0.0/16"
    length = "128" if ":" in address else "32"
    run("ip", "-n", RECEIVER, "address", "add", f"{address}/{length}", "dev", "lo")
    run("ip", "-n", RECEIVER, "route", "add", source, "dev", "dut0")
    count = 500
    receiver = subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{RECEIVER}", "python3", "-c", RECEIVE, address, str(count)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert receiver.stdout.readline() == "ready\n"
        options = ["--method", method, "--count", count, "--src", source, "--dst", address,
                   "--dport", 4000, "--rate", 5000]  # fmt: skip
        if fragmented:
            pktgen(*options, "--fragment", "first")
            pktgen(*options, "--fragment", "later")
            # The smallest frame of at least 60 bytes whose data is a multiple
            # of 8, twice that data, without the UDP header.
            expected = 2 * (8 if ":" in address else 32) - 8
        else:
            pktgen(*options)
            expected = 0 if ":" in address else 60 - 14 - 20 - 8
        assert receiver.communicate(timeout=40)[0] == f"{count} {{{expected}}}\n"
    finally:
        receiver.kill()
        receiver.communicate()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rate", [1000, 20_000])
def test_rate_is_kept(counter, method, rate):
    # The best of three: the machine may have been busy with something else.
    for _ in range(3):
        report, _ = pktgen("--method", method, "--rate", rate, "--count", 2 * rate)
        assert report["sent"] == 2 * rate
        if report["pps"] == pytest.approx(rate, rel=0.02):
            return
    assert report["pps"] == pytest.approx(rate, rel=0.02)


def test_duration_ends_the_run(counter):
    report, _ = pktgen("--duration", 1, "--rate", 10_000)
    assert report["end"] == "duration"
    assert report["duration_s"] == pytest.approx(1, abs=0.1)
    assert report["sent"] == counter.total() == 10_000


@pytest.mark.parametrize("method", METHODS)
def test_a_signal_ends_the_run_with_a_report(counter, method):
    process = subprocess.Popen(
        pktgen_command("--method", method), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 20
    while statistics(RECEIVER, "dut0")["rx"]["packets"] < 1000:
        assert time.monotonic() < deadline, "nothing was sent"
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, error = process.communicate(timeout=20)
    assert process.returncode == 0, error
    report = json.loads(output)
    assert report["end"] == "signal"
    assert report["sent"] == counter.total()


@pytest.mark.parametrize("method", METHODS)
def test_an_interface_that_goes_away_is_an_error(counter, method):
    process = subprocess.Popen(
        pktgen_command("--method", method), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(1)
    run("ip", "-n", GENERATOR, "link", "delete", "gen0")
    output, error = process.communicate(timeout=20)
    assert process.returncode in (1, 4)
    assert "gen0" in error
    assert json.loads(output)["end"] in ("stalled", "error")


def test_an_interface_that_is_down_is_an_error(lab):
    run("ip", "-n", GENERATOR, "link", "set", "gen0", "down")
    _, error = pktgen("--count", 1, expect=4)
    assert "ip link set gen0 up" in error


def test_a_frame_larger_than_the_mtu_is_a_usage_error(lab):
    _, error = pktgen("--count", 1, "--size", 1515, expect=2)
    assert "1514" in error


def test_privileges_are_named(lab):
    result = run("nsenter", f"--net=/run/netns/{GENERATOR}", "setpriv", "--bounding-set=-all",
                 "--inh-caps=-all", PKTGEN, "--iface", "gen0", "--dst-mac", RECEIVER_MAC,
                 "--count", 1, check=False)  # fmt: skip
    assert result.returncode == 3
    assert "CAP_NET_RAW" in result.stderr
