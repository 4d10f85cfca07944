"""Reloads by afxfwctl: all or nothing, other rules, and back by itself if nobody confirms."""

import time

import pytest
from harness.control import Control, read_answer
from harness.frames import Flow, echo_request, send

pytestmark = pytest.mark.lab(topology="pair", queues=2)

A, B = "198.51.100.7", "198.51.100.8"


def rules(source, element="203.0.113.1"):
    return f"""
table netdev filter {{
    set bad {{ type ipv4_addr; elements = {{ {element} }} }}
    chain in {{
        type filter hook ingress device "eth0" priority 0; policy accept;
        ip saddr {source} counter drop
        ip saddr @bad drop
    }}
}}
"""


@pytest.fixture
def control(tmp_path):
    return Control(tmp_path / "sock")


@pytest.fixture
def files(tmp_path):
    """Two rule files: the first one blocks A, the second one B."""
    first, second = tmp_path / "first.nft", tmp_path / "second.nft"
    first.write_text(rules(A))
    second.write_text(rules(B))
    return first, second


@pytest.fixture
def afxfw(lab, start_afxfw, control, files):
    return start_afxfw(lab["fw"], "--control", control.path, "--rules", files[0])


@pytest.fixture
def check(lab, afxfw):
    """check(blocked=A, accepted=B): by a packet of each."""
    def run(blocked, accepted):
        gen, fw = lab["gen"], lab["fw"]
        with afxfw.rises((lambda now: now["total"]["dropped"], 1),
                         (lambda now: now["total"]["accepted"], 1)):
            send(gen, [Flow(gen, fw, source).frame(echo_request(4))
                       for source in (blocked, accepted)])
    return run


def test_reads_the_files_again(afxfw, control, files, check):
    check(blocked=A, accepted=B)
    files[0].write_text(rules(B))
    control.run("reload")
    check(blocked=B, accepted=A)
    assert "root (pid " in control.status()["load"]["by"]


def test_takes_another_file_from_now_on(afxfw, control, files, check, monkeypatch):
    # A path as the user sees it, whatever the working directory of afxfw is.
    monkeypatch.chdir(files[1].parent)
    control.run("reload", "--rules", files[1].name)
    check(blocked=B, accepted=A)
    afxfw.reload()
    check(blocked=B, accepted=A)


def test_shows_the_errors_and_changes_nothing(afxfw, control, files, check):
    generation = control.status()["ruleset_generation"]
    files[0].write_text(rules(B).replace("drop", "dorp"))
    done = control.run("reload", check=False)
    assert done.returncode == 2
    for line in (6, 7):
        assert f"{files[0]}:{line}:" in done.stderr
    assert "dorp" in done.stderr
    check(blocked=A, accepted=B)
    status = control.status()
    assert status["ruleset_generation"] == generation
    assert "dorp" in status["load"]["last_error"]
    files[0].write_text(rules(B))
    control.run("reload")
    assert "last_error" not in control.status()["load"]


def test_goes_back_unless_confirmed(afxfw, control, files, check):
    done = control.run("reload", "--rules", files[1], "--confirm", "3s")
    assert "unless you run: afxfwctl confirm" in done.stdout
    begin = time.monotonic()
    check(blocked=B, accepted=A)
    assert "goes back at" in control.run("status").stdout
    # What is changed meanwhile stays.
    control.run("block", "203.0.113.9")
    control.run("add", "element", "bad", "203.0.113.8")
    refused = control.run("reload", check=False)
    assert refused.returncode == 1 and "afxfwctl confirm" in refused.stderr
    afxfw.wait_for_line("was not confirmed in time")
    assert 2.5 < time.monotonic() - begin < 4.5
    check(blocked=A, accepted=B)
    check(blocked="203.0.113.9", accepted=B)
    check(blocked="203.0.113.8", accepted=B)
    # So do the files that it goes by.
    afxfw.reload()
    check(blocked=A, accepted=B)


def test_stays_when_confirmed(afxfw, control, files, check):
    control.run("reload", "--rules", files[1], "--confirm", "2s")
    assert "confirmed" in control.run("confirm").stdout
    time.sleep(2.5)
    check(blocked=B, accepted=A)
    again = control.run("confirm", check=False)
    assert again.returncode == 2 and "nothing to confirm" in again.stderr


def test_a_rule_keeps_its_handle_and_counter_when_it_goes_back(afxfw, control, files, check):
    check(blocked=A, accepted=B)
    before = control.json("list", "rules")["rules"]
    control.run("reload", "--rules", files[1], "--confirm", "1s")
    afxfw.wait_for_line("was not confirmed in time")
    after = control.json("list", "rules")["rules"]
    assert [rule["text"] for rule in after] == [rule["text"] for rule in before]
    assert after[-1]["handle"] == before[-1]["handle"]  # it was in both files


@pytest.mark.slow
def test_the_loop_goes_on_while_a_million_prefixes_are_read(lab, start_afxfw, control, tmp_path):
    """Commands are answered at once, blocks are in force, and a second reload is told to wait."""
    path = tmp_path / "million"
    path.write_text("".join(f"{n >> 16}.{n >> 8 & 255}.{n & 255}.0/25\n"
                            for n in range(1 << 16, 1_000_000 + (1 << 16))))
    gen, fw = lab["gen"], lab["fw"]
    afxfw = start_afxfw(fw, "--control", control.path, "--blocklist", path)
    with control.connect(60) as client:
        client.sendall(b'{"version":1,"command":"reload"}\n')
        slowest = 0.0
        busy = None
        for number in range(1, 6):
            begin = time.monotonic()
            control.run("block", f"203.0.113.{number}")
            slowest = max(slowest, time.monotonic() - begin)
            busy = busy or control.run("reload", check=False)
        assert slowest < 0.2
        assert busy.returncode == 1 and "a reload is running" in busy.stderr
        assert read_answer(client)["ok"]
    frames = [Flow(gen, fw, f"203.0.113.{number}").frame(echo_request(4)) for number in range(1, 7)]
    with afxfw.rises((lambda now: now["drop_reasons"]["blocklist"], 5),
                     (lambda now: now["total"]["accepted"], 1)):
        send(gen, frames)
