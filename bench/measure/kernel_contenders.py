"""Peers inside the kernel: nftables, iptables with ipset, xdp-filter."""

import contextlib
import shutil

from .contender import Contender, Counting, Outcome, nft_counters
from .lab import FILTERED

SET, TABLE = "blocklist", "afxfw-bench"
PACKAGES = {"nft": "nftables", "xdp-filter": "xdp-tools"}  # others have their tool's name
COUNTERS = "counter blocked { }\ncounter allowed { }"


def missing_tool(*tools):
    """tools: names of programs. What to install, or None."""
    missing = [PACKAGES.get(tool, tool) for tool in tools if shutil.which(tool) is None]
    return f"not installed: apt-get install {' '.join(missing)}" if missing else None


class InStack(Contender):
    """In the kernel's stack, which loses nothing: what the interface receives is processed. Its own
    counters are read at the end only: nft reads all sets before it shows a counter, which takes
    seconds for a large one."""

    lossless = True

    def sample(self, lab, _):
        return lab.interface_packets()


class Nft(InStack):
    """One set look-up, then a drop: of what is listed, or, counted apart, of the rest."""

    def __init__(self, name, hook, lists, wanted):
        self._family = {"ingress": "netdev", "prerouting": "inet"}[hook]
        self._set = lambda: lists.nft_set(wanted, self._family, TABLE, SET)
        place, match = f"device {FILTERED} priority 0", ""
        if hook == "prerouting":
            place, match = "priority raw", f"iifname {FILTERED} "
        address = "ip" if wanted.sources.version == 4 else "ip6"
        self._rules = (f"table {self._family} {TABLE} {{\n{COUNTERS}\nchain filter {{\n"
                       f"type filter hook {hook} {place};\n"
                       f"{match}{address} saddr @{SET} counter name blocked drop\n"
                       f"{match}counter name allowed drop\n}}\n}}\n")
        super().__init__(name, ["nft", "-f", "-", self._rules], missing_tool("nft"))

    @contextlib.contextmanager
    def running(self, lab):
        lab.run("fw", "nft", "-f", self._set())
        try:
            lab.run("fw", "nft", "-f", "-", text_input=self._rules)
            yield None
        finally:
            lab.run("fw", "nft", "delete", "table", self._family, TABLE)

    def finish(self, lab, _):
        counters = nft_counters(lab, self._family, TABLE)
        return Outcome(counters["blocked"], counted=sum(counters.values()))


class NftRules(InStack):
    """Rules of a file at ingress, then a drop of what none of them matched."""

    def __init__(self, name, file):
        self._file = file
        self._rest = ("add counter netdev filter rest\n"
                      "add rule netdev filter arriving counter name rest drop\n")
        super().__init__(name, ["nft", "-f", file], missing_tool("nft"))

    @contextlib.contextmanager
    def running(self, lab):
        lab.run("fw", "nft", "-f", self._file)
        try:
            lab.run("fw", "nft", "-f", "-", text_input=self._rest)
            yield None
        finally:
            lab.run("fw", "nft", "delete", "table", "netdev", "filter")

    def finish(self, lab, _):
        return Outcome(counted=nft_counters(lab, "netdev", "filter")["rest"])


class Iptables(InStack):
    """The same with an ipset, in PREROUTING of the table raw."""

    def __init__(self, name, lists, wanted):
        self._program = "iptables" if wanted.sources.version == 4 else "ip6tables"
        self._set = lambda: lists.ipset(wanted, SET)
        self._chain = ["-t", "raw", "-A", "PREROUTING", "-i", FILTERED]
        self._match = ["-m", "set", "--match-set", SET, "src"]
        super().__init__(name, [self._program, *self._chain, *self._match, "-j", "DROP"],
                         missing_tool("iptables", "ipset"))

    @contextlib.contextmanager
    def running(self, lab):
        lab.run("fw", "ipset", "-file", self._set(), "restore")
        try:
            lab.run("fw", *self.command)
            lab.run("fw", self._program, *self._chain, "-j", "DROP")
            yield None
        finally:
            lab.run("fw", self._program, "-t", "raw", "-F", "PREROUTING")
            lab.run("fw", "ipset", "destroy")

    def finish(self, lab, _):
        listing = lab.run("fw", self._program, "-t", "raw", "-nvxL", "PREROUTING")
        blocked, allowed = (int(line.split()[0]) for line in listing.splitlines()[2:])
        return Outcome(blocked, counted=blocked + allowed)


class XdpFilter(Contender):
    """xdp-tools' filter. commands: its own, such as "port --mode dst --proto udp 9"; none of them:
    it looks for `features` and passes all."""

    lossless = True

    def __init__(self, name, features, commands, *, delivers=False):
        # bpffs in a mount namespace of its own: the machine's /sys stays as it is.
        script = "\n".join([
            "mount -t bpf bpf /sys/fs/bpf",
            f"xdp-filter load --mode native --features {features} {FILTERED} >&2",
            *(f"xdp-filter {command} >&2" for command in commands),
            "echo ready >&2",
            "read -r until_closed || true",
            f"xdp-filter unload {FILTERED} >&2"])
        super().__init__(name, ["unshare", "--mount", "sh", "-ec", script],
                         missing_tool("xdp-filter"))
        self.delivers, self.xdp_drops_all = delivers, not delivers

    @contextlib.contextmanager
    def running(self, lab):
        with lab.start("fw", self.name, self.command) as process:
            process.wait_until_ready()
            yield process

    def sample(self, lab, process):
        counting = Counting.arrivals if self.delivers else Counting.interface
        return counting(self, lab, process)

    def finish(self, lab, process):
        process.close_input()
        return Outcome()
