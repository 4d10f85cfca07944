"""Clients of the control socket that are many, slow, silent or hostile."""

import contextlib
import json
import os
import threading
import time

import pytest
from harness.control import Control, read_answer
from harness.frames import Flow, echo_request, send
from harness.wait import wait_until

pytestmark = pytest.mark.lab(topology="pair", queues=2)

CLIENTS = 200
PROMPT_S = 1.0  # on a busy machine
STATUS = b'{"version":1,"command":"status"}\n'
BLOCK = {"version": 1, "command": "add_elements", "set": "blocklist", "elements": ["192.0.2.1"]}


@pytest.fixture
def control(tmp_path):
    return Control(tmp_path / "sock")


@pytest.fixture
def afxfw(lab, start_afxfw, control):
    return start_afxfw(lab["fw"], "--control", control.path)


def answer(control, data):
    return control.ask(data)


class TestRequests:
    @pytest.mark.parametrize("data, message", [
        (b"\n", "a request is a JSON object"),
        (b"rubbish\n", "a request is a JSON object"),
        (b"[1, 2]\n", "a request is a JSON object"),
        (b"\xff\xfe\x00\n", "a request is a JSON object"),
        (b'{"command":"status"}\n', 'needs "version"'),
        (b'{"version":2,"command":"status"}\n', "this afxfw speaks version 1"),
        (b'{"version":1}\n', 'needs a "command"'),
        (b'{"version":1,"command":"explode"}\n', "there is no command 'explode'"),
        (b'{"version":1,"command":"status","set":"a"}\n', "has no field 'set'"),
        (b'{"version":1,"command":"list_set"}\n', "needs the field 'set'"),
        (json.dumps(BLOCK | {"elements": []}).encode() + b"\n", "a list of 1 to"),
        (json.dumps(BLOCK | {"elements": ["\x1b[31m"]}).encode() + b"\n", "control characters"),
        (json.dumps(BLOCK | {"elements": ["rubbish"]}).encode() + b"\n", "'rubbish'"),
        (json.dumps(BLOCK | {"timeout_s": -1}).encode() + b"\n", "whole number of seconds"),
        (json.dumps(BLOCK | {"timeout_s": 1e300}).encode() + b"\n", "whole number of seconds"),
        (b"[" * 500_000 + b"\n", "a request is a JSON object"),
        (b"x" * 2_000_000, "bytes at most"),
    ], ids=range(17))
    def test_that_are_wrong_are_told_why(self, afxfw, control, data, message):
        told = answer(control, data)
        assert told["ok"] is False
        assert message in told["error"]["message"]
        assert control.json("list", "sets")["sets"] == []

    def test_several_on_one_connection(self, afxfw, control):
        """Also if they come at once, and in pieces."""
        data = STATUS * 20 + b'{"version":1,"command":"version"}\n'
        with control.connect() as client:
            for start in range(0, len(data), 7):
                client.sendall(data[start:start + 7])
            stream = client.makefile()
            answers = [json.loads(stream.readline()) for _ in range(21)]
        assert all(each["ok"] for each in answers)
        assert answers[-1]["result"]["pid"] == afxfw.pid

    def test_all_or_none_of_a_request(self, afxfw, control):
        told = answer(control, BLOCK | {"elements": ["192.0.2.1", "rubbish"]})
        assert told["error"]["code"] == "invalid"
        assert control.json("list", "sets")["sets"] == []


def silent(client):
    """Says nothing."""


def half(client):
    """Stops in the middle of a request."""
    client.sendall(STATUS[:10])


def gone(client):
    """Asks and leaves."""
    client.sendall(STATUS)
    client.close()


def deaf(client):
    """Asks more than it will ever read answers of."""
    client.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            client.send(STATUS * 100)


def rubbish(client):
    client.sendall(os.urandom(5000))


def test_half_of_many_clients_are_broken(lab, afxfw, control):
    """The other half are answered, packets flow, and statistics come on time."""
    gen, fw = lab["gen"], lab["fw"]
    broken = (silent, half, gone, deaf, rubbish)
    with contextlib.ExitStack() as stack:
        for number in range(CLIENTS // 2):
            client = stack.enter_context(control.connect())
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                broken[number % len(broken)](client)
        times, failures = [], []

        def ask():
            begin = time.monotonic()
            with control.connect() as client:
                client.sendall(STATUS)
                told = read_answer(client)
                if told is None or not told["ok"]:
                    failures.append(told)
            times.append(time.monotonic() - begin)

        threads = [threading.Thread(target=ask) for _ in range(CLIENTS // 2)]
        lines = len(afxfw.stdout_lines)
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        with afxfw.rises((lambda now: now["total"]["reinjected"], 100)):
            send(gen, [Flow(gen, fw).frame(echo_request(4))] * 100)
        for thread in threads:
            thread.join()
        took = time.monotonic() - begin
        assert not failures
        assert len(times) == CLIENTS // 2 and max(times) < PROMPT_S
        # A line of statistics every 0.1 s: the loop was not held up.
        wait_until(lambda: len(afxfw.stdout_lines) - lines >= int(took / 0.1 * 0.7), "statistics")


def test_those_who_say_nothing_are_cut_off(afxfw, control):
    with control.connect(30) as client:
        client.sendall(STATUS[:10])
        begin = time.monotonic()
        assert client.recv(100) == b""
        assert 8 < time.monotonic() - begin < 15


def test_too_many_clients_are_told(afxfw, control):
    with contextlib.ExitStack() as stack:
        for _ in range(256):
            stack.enter_context(control.connect())
        told = answer(control, STATUS)
        assert told["error"]["code"] == "busy"
        assert "256 clients" in told["error"]["message"]
    wait_until(lambda: (answer(control, STATUS) or {}).get("ok"), "room")


def test_a_monitor_that_does_not_read_harms_nobody(afxfw, control):
    """Events that it does not take are lost, and it is told how many."""
    many = [f"10.0.{n >> 8}.{n & 255}" for n in range(3000)]
    with control.connect() as client:
        client.sendall(b'{"version":1,"command":"monitor"}\n')
        assert read_answer(client)["ok"]
        begin = time.monotonic()
        with control.connect() as other:
            stream = other.makefile()
            for address in many:
                other.sendall(json.dumps(BLOCK | {"elements": [address], "comment": "c" * 120})
                              .encode() + b"\n")
                assert json.loads(stream.readline())["ok"]
        assert time.monotonic() - begin < 8
        stream = client.makefile()
        lost = 0
        seen = 0
        for line in stream:
            event = json.loads(line)["event"]
            if event["kind"] == "lost":
                lost = int(event["text"].split()[0])
                break
            seen += event["kind"] == "add"
        assert 0 < lost < len(many)
        assert seen + lost == len(many)


def test_a_client_that_leaves_during_a_reload_harms_nobody(afxfw, control):
    for _ in range(20):
        with control.connect() as client:
            client.sendall(b'{"version":1,"command":"reload"}\n')
    wait_until(lambda: control.status()["ruleset_generation"] > 1, "a reload")
    assert control.run("reload", check=False).returncode in (0, 1)
