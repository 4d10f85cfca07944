"""The lab of tools/lab, and its hosts."""

import contextlib
import ctypes
import json
import os
import socket
import subprocess
from pathlib import Path

from .process import Process

ROOT = Path(__file__).resolve().parents[3]
LAB = ROOT / "tools" / "lab"
RUN_TIMEOUT_S = 60
CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def _enter_namespace(file):
    if _libc.setns(file.fileno(), CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), file.name)


class Host:
    """One host of the lab. Addresses and names as in "tools/lab --help"."""

    _LAST_PART = {"fw": 1, "client": 2, "attacker": 3, "gen": 2}

    def __init__(self, prefix, name):
        self.name = name
        self.interface = "gen0" if name == "gen" else "eth0"
        self.namespace_path = f"/run/netns/{prefix}-{name}"
        part = self._LAST_PART[name]
        self.ipv4 = f"198.18.0.{part}"
        self.ipv6 = f"2001:db8:1::{part}"
        self.mac = f"02:af:00:00:00:0{part}"

    def address(self, version):
        return {4: self.ipv4, 6: self.ipv6}[version]

    def _in_host(self, command):
        return ["nsenter", f"--net={self.namespace_path}", "--", *map(str, command)]

    def run(self, *command, check=True, timeout_s=RUN_TIMEOUT_S, stdin=""):
        """Runs a command to its end; returns subprocess.CompletedProcess with its output as text.

        A failure is an AssertionError with the output, unless check is false.
        """
        done = subprocess.run(self._in_host(command), input=stdin, text=True, errors="replace",
                              capture_output=True, timeout=timeout_s)
        assert not check or done.returncode == 0, (
            f"in {self.name}: exit code {done.returncode} of '{' '.join(map(str, command))}'\n"
            f"{done.stdout}{done.stderr}")
        return done

    def start(self, *command):
        """Starts a command beside the test; a Process, to be used in a "with" statement."""
        return Process(self._in_host(command))

    def ping(self, address, *options):
        """True if one echo request is answered within two seconds."""
        return self.run("ping", "-n", "-c1", "-W2", *options, address, check=False).returncode == 0

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is in this host's network while the "with" statement runs."""
        with (open("/proc/thread-self/ns/net", encoding="ascii") as home,
              open(self.namespace_path, encoding="ascii") as there):
            _enter_namespace(there)
            try:
                yield
            finally:
                _enter_namespace(home)

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, timeout_s=10.0):
        """A socket of this host's network, in the test's own process."""
        with self.entered():
            made = socket.socket(family, kind)
        made.settimeout(timeout_s)
        return made

    def link(self, interface=None):
        """`ip -d -s -j address show` of an interface: "stats64", "xdp", "num_rx_queues", …"""
        done = self.run("ip", "-d", "-s", "-j", "address", "show", "dev",
                        interface or self.interface)
        return json.loads(done.stdout)[0]

    def link_names(self):
        return [link["ifname"] for link in json.loads(self.run("ip", "-j", "link").stdout)]


class Lab:
    """Brings a lab up, and takes it down when the "with" statement is left."""

    def __init__(self, prefix, topology="bridge", queues=None, mtu=None):
        self.prefix = prefix
        self.topology = topology
        self._options = ["--topology", topology]
        if queues is not None:
            self._options += ["--queues", str(queues)]
        if mtu is not None:
            self._options += ["--mtu", str(mtu)]
        names = ("fw", "gen") if topology == "pair" else ("fw", "client", "attacker")
        self._hosts = {name: Host(prefix, name) for name in names}

    def __enter__(self):
        done = self.tool("up", *self._options)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        return self

    def __exit__(self, *_):
        done = self.tool("down")
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"

    def __getitem__(self, name):
        return self._hosts[name]

    def tool(self, *arguments):
        """Runs tools/lab with these arguments on this lab."""
        return subprocess.run([LAB, *arguments], text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=RUN_TIMEOUT_S,
                              env={**os.environ, "AFXFW_LAB_PREFIX": self.prefix})
