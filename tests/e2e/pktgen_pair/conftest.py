"""Fixtures of afxfw-pktgen's own tests, on a veth pair of their own."""

import os

import pytest
from harness.pktgen_pair import (
    COUNTER_PROGRAM, Counter, GENERATOR, RECEIVER, RECEIVER_MAC, delete_namespaces, inside, missing,
    run)


def pytest_collection_modifyitems(items):
    if reason := missing():
        for item in items:
            if "pktgen_pair" in str(item.path):
                item.add_marker(pytest.mark.skip(reason=reason))


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


@pytest.fixture
def counter(lab, objects):
    return Counter(objects)


@pytest.fixture
def passing(lab, objects):
    """A native program on dut0 that passes everything: it takes live frames then."""
    run("ip", "-n", RECEIVER, "link", "set", "dut0", "xdp", "obj", objects, "sec", "xdp.pass")
