"""What the harness measures is what happened; and a program that misbehaves fails the test."""

import signal
import socket
import stat
import textwrap

import pytest
from harness.afxfw import Afxfw
from harness.capture import Capture, bad_checksums
from harness.frames import Flow, echo_request, options_header, send, tcp, udp
from harness.nft import Counters
from harness.process import Process
from harness.servers import PYTHON, iperf3, iperf3_server, tcp_echo_server
from harness.wait import wait_until

ECHO_PORT = 7777


def test_counters_count_exactly_what_arrives(lab):
    client, fw = lab["client"], lab["fw"]
    with Counters(fw, ping4="icmp type echo-request", ping6="icmpv6 type echo-request",
                  tcp="tcp dport 8080") as counters:
        client.run("ping", "-n", "-c3", "-i0.1", fw.ipv4)
        client.run("ping", "-n", "-c2", "-i0.1", fw.ipv6)
        assert counters.read() == {"ping4": 3, "ping6": 2, "tcp": 0}


def test_counters_that_stay_short_are_an_error(lab):
    with Counters(lab["fw"], web="tcp dport 8080") as counters:
        with pytest.raises(TimeoutError, match="they are {'web': 0}"):
            counters.wait(web=1, timeout_s=0.1)


def test_capture_holds_the_frames_as_they_were(lab, tmp_path):
    client, fw = lab["client"], lab["fw"]
    with Capture(fw, tmp_path / "ping.pcap", "icmp[0] == 8") as capture:
        client.run("ping", "-n", "-c2", "-i0.1", "-p", "c0ffee", fw.ipv4)
        frames = capture.wait(2)
    macs = bytes.fromhex((fw.mac + client.mac).replace(":", ""))
    assert [frame[:12] for frame in frames] == [macs, macs]
    assert all(frame.endswith(bytes.fromhex("c0ffee")[:2]) or b"\xc0\xff\xee" in frame
               for frame in frames)


def test_frames_are_what_they_say(lab, version, tmp_path):
    client, fw = lab["client"], lab["fw"]
    flow = Flow(client, fw, version=version)
    headers = {"ip_options": bytes([1] * 4)} if version == 4 else {"extensions": [options_header()]}
    frames = [flow.frame(segment, **headers) for segment in (
        udp(1024, 5000, b"odd"), tcp(1024, 5000, data=b"even"), echo_request(version, b"odd"))]
    frames += flow.fragments(udp(1024, 5001, bytes(64)), tags=[100, 5])
    with Capture(fw, tmp_path / "frames.pcap", f"ether src {client.mac}") as capture:
        send(client, frames)
        capture.wait(len(frames))
        text = capture.verbose()
    assert bad_checksums(capture) == []
    fragment = "offset 32, flags [none]" if version == 4 else ":32|40)"
    for shown in ("5000: [udp sum ok] UDP, length 3", "echo request", "vlan 100", "vlan 5", fragment):
        assert shown in text


def test_a_socket_of_a_host_talks_to_an_echo_server(lab, version):
    client, fw = lab["client"], lab["fw"]
    address = fw.address(version)
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    with tcp_echo_server(fw, ECHO_PORT), client.socket(family) as connection:
        connection.connect((address, ECHO_PORT))
        connection.sendall(b"there and back")
        connection.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda: connection.recv(4096), b"")) == b"there and back"


def test_iperf3_reports_what_was_received(lab):
    client, fw = lab["client"], lab["fw"]
    with iperf3_server(fw):
        report = iperf3(client, fw.ipv4, "--time", "1", "--parallel", "2")
    assert len(report["streams"]) == 2
    assert 0 < report["sum_received"]["bytes"] <= report["sum_sent"]["bytes"]


class TestProcess:
    def test_ends_with_the_with_statement(self):
        with Process(["sleep", "1000"]) as process:
            assert process.exit_code is None
        assert process.exit_code == -signal.SIGKILL

    def test_that_ends_before_its_line_is_an_error_with_its_output(self):
        with Process(["sh", "-c", "echo no such interface >&2; exit 4"]) as process:
            with pytest.raises(RuntimeError, match="exit code 4(.|\n)*no such interface"):
                process.wait_for_line("ready")

    def test_that_says_nothing_is_an_error_in_time(self):
        with Process(["sleep", "1000"]) as process:
            with pytest.raises(TimeoutError, match="a line with 'ready'"):
                process.wait_for_line("ready", timeout_s=0.1)


class TestAfxfw:
    """The harness against a stand-in with afxfw's interface, that misbehaves on request."""

    STAND_IN = f"""\
        #!{PYTHON}
        import json, signal, sys, time
        generation = 1
        def print_stats(received):
            print(json.dumps({{"ruleset_generation": generation,
                               "total": {{"received": received}}}}), flush=True)
        def reload(*_):
            global generation
            generation += 1
        def stop(*_):
            if "--silent-end" not in sys.argv:
                print_stats(1000)
            sys.exit(1 if "--failing-end" in sys.argv else 0)
        signal.signal(signal.SIGHUP, reload)
        signal.signal(signal.SIGINT, stop)
        print(sys.argv[1:5], "ready", file=sys.stderr, flush=True)
        received = 0
        while True:
            if "--silent-end" not in sys.argv:
                print_stats(received)
            received += 1
            time.sleep(0.01)
        """

    @pytest.fixture
    def stand_in(self, lab, tmp_path):
        program = tmp_path / "stand-in"
        program.write_text(textwrap.dedent(self.STAND_IN))
        program.chmod(stat.S_IRWXU)
        return lambda *options: Afxfw(lab["fw"], *options, program=program).wait_ready()

    def test_is_told_the_interface_and_to_print_json(self, stand_in):
        with stand_in() as afxfw:
            assert afxfw.wait_for_line(r"\['--iface', 'eth0', '--json', '--stats-interval'\]")

    def test_waits_for_statistics_and_returns_the_final_totals(self, stand_in):
        with stand_in() as afxfw:
            stats = afxfw.wait_stats(lambda now: now["total"]["received"] >= 3, "3 packets")
            assert 3 <= stats["total"]["received"] < 1000
            assert afxfw.finish()["total"]["received"] == 1000

    def test_waits_for_a_reload_to_be_in_force(self, stand_in):
        with stand_in() as afxfw:
            assert afxfw.reload()["ruleset_generation"] == 2

    def test_statistics_that_never_come_are_an_error_that_shows_the_last(self, stand_in):
        with stand_in() as afxfw:
            with pytest.raises(TimeoutError, match="the last statistics: .*ruleset_generation"):
                afxfw.wait_stats(lambda now: False, "never", timeout_s=0.1)

    def test_an_exit_code_other_than_zero_is_an_error(self, stand_in):
        with stand_in("--failing-end") as afxfw:
            with pytest.raises(AssertionError, match="exit code 1"):
                afxfw.finish()

    def test_an_end_without_totals_is_an_error(self, stand_in):
        with stand_in("--silent-end") as afxfw:
            with pytest.raises(AssertionError, match="no final totals"):
                afxfw.finish()

    def test_a_death_is_an_error_while_waiting_for_statistics(self, stand_in):
        with stand_in() as afxfw:
            afxfw.send(signal.SIGKILL)
            with pytest.raises(AssertionError, match=f"exit code {-signal.SIGKILL}"):
                afxfw.wait_stats(lambda now: False, "never")


def test_waiting_returns_what_came():
    values = iter([None, 0, "here"])
    assert wait_until(lambda: next(values), "a value") == "here"
