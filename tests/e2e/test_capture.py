"""afxfwctl capture: what it writes, how it ends, and whom it does not disturb."""

import contextlib
import grp
import json
import pwd
import re
import signal
import struct
import subprocess
import time

import pytest
from harness.accounting import check_final
from harness.afxfw import LARGE_RINGS
from harness.control import AFXFWCTL, Control
from harness.frames import Flow, Stream, echo_request, send, tcp
from harness.pcapng import read_pcapng
from harness.process import Process
from harness.wait import wait_until

pytestmark = pytest.mark.lab(topology="pair", queues=2)

BLOCKED = "198.51.100.7"
COUNT = 20
RULES = """
table netdev filter {
    chain in {
        type filter hook ingress device "eth0" priority 0; policy drop;
        tcp dport 22 counter drop
        tcp dport 443 accept
    }
}
"""
READ_GROUP = grp.getgrnam("games")


@pytest.fixture
def control(tmp_path):
    return Control(tmp_path / "sock")


@pytest.fixture
def afxfw(lab, start_afxfw, control, tmp_path):
    (tmp_path / "block").write_text(BLOCKED)
    (tmp_path / "rules.nft").write_text(RULES)
    return start_afxfw(lab["fw"], "--blocklist", tmp_path / "block", "--inline-drop", "none",
                       "--rules", tmp_path / "rules.nft", "--control", control.path, *LARGE_RINGS)


@pytest.fixture
def frames(lab):
    """A frame of each kind, by the interface that it is to be found on."""
    gen, fw = lab["gen"], lab["fw"]
    return {"drop blocklist": Flow(gen, fw, BLOCKED).frame(echo_request(4)),
            "drop rule": Flow(gen, fw).frame(tcp(1, 22, data=bytes(700))),
            "drop policy": Flow(gen, fw).frame(tcp(1, 80)),
            "accept": Flow(gen, fw).frame(tcp(1, 443, data=b"odd"))}


class Capturing(Process):
    """A running afxfwctl capture."""

    def __init__(self, control, *options):
        super().__init__([AFXFWCTL, "--socket", control.path, "capture", *options])
        self.wait_for_line("capturing .* of eth0")

    def end(self, code=0):
        """As Ctrl-C does; returns what it says of itself."""
        got = self.stop(signal.SIGINT)
        assert got == code, self
        return self.said

    @property
    def said(self):
        return "\n".join(self.stderr_lines[1:])


def send_all(lab, afxfw, frames, count=COUNT):
    with afxfw.rises((lambda now: now["total"]["received"], count * len(frames))):
        send(lab["gen"], list(frames.values()) * count)


def test_each_verdict_and_reason_is_an_interface(lab, afxfw, control, frames, tmp_path):
    before = time.time()
    with Capturing(control, "-w", tmp_path / "x.pcapng") as capture:
        send_all(lab, afxfw, frames)
        assert capture.end() == (f"{4 * COUNT} packets captured\n"
                                 "0 packets dropped by the capture")
    file = read_pcapng(tmp_path / "x.pcapng")
    assert file.interfaces == ["accept", "drop blocklist", "drop rule", "drop policy",
                               "drop malformed"]
    handles = {rule["text"]: rule["handle"] for rule in control.json("list", "rules")["rules"]}
    rules = {"drop blocklist": "ip saddr @blocklist drop", "drop rule": "tcp dport 22 counter drop",
             "accept": "tcp dport 443 accept", "drop policy": None}
    for interface, frame in frames.items():
        packets = file.of(interface)
        assert [packet.data for packet in packets] == [frame] * COUNT
        assert {packet.length for packet in packets} == {len(frame)}
        rule = rules[interface]
        assert {packet.comment for packet in packets} == {
            rule and f"rule {handles[rule]}: {rule}" or ""}
        assert all(before - 1 < packet.time_s < time.time() for packet in packets)
        assert {packet.queue for packet in packets} <= {0, 1}
        assert {packet.flags for packet in packets} == {1}  # inbound
        told = file.statistics[interface]
        assert (told.received, told.dropped, told.matched, told.written) == (COUNT, 0, COUNT, COUNT)
    assert file.statistics["drop malformed"].received == 0
    assert (tmp_path / "x.pcapng").stat().st_mode & 0o777 == 0o600
    # And to others than the parser here.
    read = subprocess.run(["tcpdump", "-nr", tmp_path / "x.pcapng", "src", BLOCKED], text=True,
                          capture_output=True, check=True)
    assert read.stdout.count("ICMP echo request") == COUNT
    check_final(afxfw.finish())


@pytest.mark.parametrize("options, expected, told", [
    (["--verdict", "accept"], {"accept": COUNT}, f"{COUNT} packets captured"),
    (["--verdict", "drop"], {"drop blocklist": COUNT, "drop rule": COUNT, "drop policy": COUNT},
     f"{3 * COUNT} packets captured"),
    (["--filter", "tcp port 22 or tcp port 443"], {"accept": COUNT, "drop rule": COUNT},
     f"{2 * COUNT} packets captured\n{2 * COUNT} packets did not match the filter"),
    # The filter sees the whole packet, as tcpdump's does.
    (["--filter", "tcp[700] = 0 and greater 700", "--snaplen", 20, "--verdict", "drop"],
     {"drop rule": COUNT}, f"{2 * COUNT} packets did not match"),
], ids=["accepted", "dropped", "filter", "filter and snaplen"])
def test_takes_what_it_is_asked_for(lab, afxfw, control, frames, tmp_path, options, expected, told):
    with Capturing(control, "-w", tmp_path / "x.pcapng", *options) as capture:
        send_all(lab, afxfw, frames)
        assert told in capture.end()
    file = read_pcapng(tmp_path / "x.pcapng")
    for interface in file.interfaces:
        packets = file.of(interface)
        assert len(packets) == expected.get(interface, 0), interface
        cut = 20 if "--snaplen" in options else None
        assert all(packet.data == frames[interface][:cut] for packet in packets)
        assert all(packet.length == len(frames[interface]) for packet in packets)
        if "--filter" in options:
            assert file.filters[0] == b"\0" + options[options.index("--filter") + 1].encode()


def test_ends_after_count_packets(lab, afxfw, control, frames, tmp_path):
    with Capturing(control, "-w", tmp_path / "x.pcapng", "-c", 3, "--snaplen", 60) as capture:
        send(lab["gen"], list(frames.values()) * COUNT)
        assert capture.wait() == 0
        assert "3 packets captured" in capture.said
    packets = read_pcapng(tmp_path / "x.pcapng").packets
    assert len(packets) == 3
    assert all(len(packet.data) == min(60, packet.length) for packet in packets)


def test_a_pipe_shows_packets_as_they_come(lab, afxfw, control, frames):
    """And the capture ends when what reads it does."""
    pipeline = f"{AFXFWCTL} --socket {control.path} capture -w - | tcpdump -lnr - -c 2"
    with Process(["bash", "-o", "pipefail", "-c", pipeline]) as live:
        live.wait_for_line("capturing")
        send(lab["gen"], [frames["drop blocklist"]])
        live.wait_for_line(f"{BLOCKED} > 198.18.0.1: ICMP echo request", timeout_s=5)
        assert live.exit_code is None
        send(lab["gen"], [frames["drop blocklist"]])
        assert live.wait() == 0, live


def test_a_client_that_does_not_read_loses_packets_of_the_capture_only(lab, afxfw, control):
    gen, fw = lab["gen"], lab["fw"]
    frame = Flow(gen, fw).frame(tcp(1, 443, data=bytes(1400)))
    count = 8000  # more bytes than all buffers on the way have
    with control.connect() as client:
        client.sendall(b'{"version":1,"command":"capture"}\n')
        answer = b""
        while not answer.endswith(b"\n"):
            answer += client.recv(1)
        assert json.loads(answer)["ok"]
        with afxfw.rises((lambda now: now["total"]["received"], count)):
            send(gen, [frame] * count)
        assert control.status()["total"]["received"] == count  # it answers others meanwhile
        client.shutdown(1)
        packets, tallies = read_records(client)
    accepted = tallies["verdicts"][0]
    assert tallies["final"]
    assert accepted["seen"] == count
    assert 0 < accepted["no_room"] < count
    assert packets == count - accepted["no_room"] - accepted["over_rate"]
    check_final(afxfw.finish())


def read_records(client):
    """To the end of the connection: how many packets, and the last tallies."""
    data = b""
    while more := client.recv(1 << 20):
        data += more
    packets, tallies, offset = 0, None, 0
    while offset < len(data):
        length, kind = struct.unpack_from("=Ic", data, offset)
        if kind == b"T":
            tallies = json.loads(data[offset + 8:offset + length])
        else:
            assert kind == b"P"
            packets += 1
        offset += length
    return packets, tallies


def test_a_full_disk_ends_it_with_a_file_that_can_be_read(lab, afxfw, control, frames, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    try:
        with Capturing(control, "-w", disk / "x.pcapng") as capture:
            send_all(lab, afxfw, {"drop rule": frames["drop rule"]}, count=200)
            assert capture.wait() == 1
            assert re.search(r"cannot write '\S+': No space left on device", capture.said)
            told = int(re.search(r"(\d+) packets captured", capture.said)[1])
        file = read_pcapng(disk / "x.pcapng")
        assert len(file.packets) == told
        assert 50 < told < 64 * 1024 / len(frames["drop rule"])
        assert all(packet.data == frames["drop rule"] for packet in file.packets)
    finally:
        subprocess.run(["umount", disk], check=True)
    check_final(afxfw.finish())


def test_one_at_a_time(lab, afxfw, control, tmp_path):
    with Capturing(control, "-w", tmp_path / "x.pcapng") as capture:
        done = control.run("capture", "-w", tmp_path / "y.pcapng", check=False)
        assert done.returncode == 1
        assert f"a capture of root (pid {capture.pid}) runs" in done.stderr
        assert not (tmp_path / "y.pcapng").exists()
        capture.end()
    # At once, and also after one that was killed.
    with Capturing(control, "-w", tmp_path / "x.pcapng") as capture:
        capture.kill()

    def begins():
        with contextlib.suppress(RuntimeError):
            return Capturing(control, "-w", tmp_path / "x.pcapng")
        return None
    with wait_until(begins, "another capture", 5.0) as capture:
        capture.end()


def test_captures_come_and_go_while_packets_flow(lab, afxfw, control, frames, tmp_path):
    with Stream(lab["gen"], frames["accept"]):
        for _ in range(10):
            done = control.run("capture", "-w", tmp_path / "x.pcapng", "-c", 2)
            assert "2 packets captured" in done.stderr
    check_final(afxfw.finish())


def test_is_not_for_those_who_may_only_read(lab, start_afxfw, control, tmp_path):
    start_afxfw(lab["fw"], "--control", control.path, "--control-read-group", READ_GROUP.gr_name)
    for parent in [tmp_path, *tmp_path.parents]:
        if str(parent).startswith("/tmp/pytest"):
            parent.chmod(0o755)
    nobody = pwd.getpwnam("nobody")
    done = control.run("capture", "-w", "-", check=False, prefix=[
        "setpriv", "--reuid", nobody.pw_uid, "--regid", nobody.pw_gid, "--groups",
        READ_GROUP.gr_gid, "--"])
    assert done.returncode == 3
    assert "may read, and not capture packets" in done.stderr
    assert done.stdout == ""


def test_ends_with_afxfw(lab, afxfw, control, frames, tmp_path):
    with Capturing(control, "-w", tmp_path / "x.pcapng") as capture:
        send_all(lab, afxfw, frames)
        check_final(afxfw.finish())
        assert capture.wait() == 1
        assert f"{4 * COUNT} packets captured\n0 packets dropped" in capture.said
        assert "afxfw has ended" in capture.said
    assert len(read_pcapng(tmp_path / "x.pcapng").packets) == 4 * COUNT


@pytest.mark.parametrize("options, message", [
    (["-w", "-", "--filter", "tcp prot 80"], "'tcp prot 80' is no filter: "),
    (["-w", "-", "--verdict", "reject"], "must be drop, accept or all"),
    ([], "capture needs --write FILE"),
], ids=["filter", "verdict", "no file"])
def test_wrong_options_are_told_before_afxfw_is_asked(tmp_path, options, message):
    done = Control(tmp_path / "none").run("capture", *options, check=False)
    assert done.returncode == 2
    assert message in done.stderr
