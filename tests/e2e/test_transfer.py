"""Connections that last, at full speed, through native and generic mode."""

import contextlib
import hashlib
import os
import socket
import threading

import pytest
from harness.accounting import check_accounting, check_final, check_no_fallback
from harness.afxfw import Afxfw
from harness.lab import Lab
from harness.servers import curl, http_server, iperf3, iperf3_server

TRANSFER_BYTES = 100_000_000
STREAMS = 20
PORT = 7000
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


@pytest.fixture(scope="module")
def firewall(lab, mode):
    with Afxfw(lab["fw"], "--mode", mode) as afxfw:
        yield afxfw.wait_ready()
        final = afxfw.finish()
    check_final(final)
    check_no_fallback(afxfw.all_stats)
    assert all(queue["checksums_finished"] == 0 for queue in final["queues"])
    for stats in afxfw.all_stats:
        check_accounting(stats)


@pytest.fixture(scope="module")
def data():
    return os.urandom(TRANSFER_BYTES // 100) * 100


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["to the host", "from the host"])
def test_a_large_transfer_arrives_whole(lab, firewall, version, data, direction):
    """Sent to the host, each segment passes a worker; sent from it, each acknowledgement."""
    sender, receiver = lab["client"], lab["fw"]
    if direction == "from the host":
        sender, receiver = receiver, sender
    digest = hashlib.sha256()
    with receiver.socket(FAMILIES[version]) as server:
        server.bind(("", PORT))
        server.listen()
        with sender.socket(FAMILIES[version]) as connection:
            connection.connect((receiver.address(version), PORT))
            accepted, _ = server.accept()
            with accepted, _sending(connection, data):
                accepted.settimeout(10)
                while part := accepted.recv(1 << 20):
                    digest.update(part)
    assert digest.digest() == hashlib.sha256(data).digest()


@contextlib.contextmanager
def _sending(connection, data):
    def run():
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join()


@pytest.mark.slow
def test_twenty_streams_at_once(lab, firewall, version):
    with iperf3_server(lab["fw"]):
        report = iperf3(lab["client"], lab["fw"].address(version), "--parallel", STREAMS,
                        "--time", "2")
    assert len(report["streams"]) == STREAMS
    assert all(stream["receiver"]["bytes"] > 0 for stream in report["streams"])


class TestPartialChecksums:
    """A sender that leaves checksums to hardware, as a virtual machine or container does."""

    PAGE_BYTES = 200_000
    DATAGRAMS = [os.urandom(length) for length in (1, 2, 1000, 1001)]

    @pytest.fixture(scope="class")
    def lab(self, lab_prefix):
        """The sender wired straight to the host: a bridge would have it finish them."""
        with Lab(lab_prefix(), "pair", queues=2) as up:
            up["gen"].run("ethtool", "-K", "gen0", "tx", "on")
            yield up

    def test_of_tcp_are_finished(self, lab, start_afxfw, mode, version, tmp_path):
        (tmp_path / "page").write_bytes(os.urandom(self.PAGE_BYTES))
        afxfw = start_afxfw(lab["fw"], "--mode", mode)
        with http_server(lab["gen"], tmp_path):
            done = curl(lab["fw"], lab["gen"].address(version), "/page", "--output",
                        tmp_path / "fetched")
        assert (done.returncode, done.stderr) == (0, "")
        assert (tmp_path / "fetched").read_bytes() == (tmp_path / "page").read_bytes()
        final = afxfw.finish()
        check_final(final)
        assert sum(queue["checksums_finished"] for queue in final["queues"]) > 0

    def test_of_udp_are_finished(self, lab, start_afxfw, mode, version):
        afxfw = start_afxfw(lab["fw"], "--mode", mode, "--inline-drop", "none")
        with (lab["fw"].socket(FAMILIES[version], socket.SOCK_DGRAM) as receiver,
              lab["gen"].socket(FAMILIES[version], socket.SOCK_DGRAM) as sender):
            receiver.bind(("", PORT))
            for data in self.DATAGRAMS:
                sender.sendto(data, (lab["fw"].address(version), PORT))
                assert receiver.recv(2000) == data
        final = afxfw.finish()
        check_final(final)
        assert sum(queue["checksums_finished"] for queue in final["queues"]) == len(self.DATAGRAMS)
