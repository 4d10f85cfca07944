"""--persist: what was changed at run time is there again after a restart, also after a kill -9."""

import json
import os
import signal
import time

import pytest
from harness.afxfw import Afxfw
from harness.control import Control
from harness.frames import Flow, echo_request, send

pytestmark = pytest.mark.lab(topology="pair", queues=2)

A, B, C = "198.51.100.7", "198.51.100.8", "198.51.100.9"
RULES = """
table netdev filter {
    set bad { type ipv4_addr; flags timeout; elements = { 192.0.2.1 } }
    chain in {
        type filter hook ingress device "eth0" priority 0; policy accept;
        ip saddr @bad drop
    }
}
"""


@pytest.fixture
def control(tmp_path):
    return Control(tmp_path / "sock")


@pytest.fixture
def start(lab, start_afxfw, control, tmp_path):
    (tmp_path / "rules.nft").write_text(RULES)
    (tmp_path / "block").write_text(f"{B}\n")
    return lambda: start_afxfw(lab["fw"], "--control", control.path, "--persist",
                               tmp_path / "state", "--blocklist", tmp_path / "block", "--rules",
                               tmp_path / "rules.nft")


@pytest.fixture
def check(lab):
    def run(afxfw, blocked, accepted):
        gen, fw = lab["gen"], lab["fw"]
        with afxfw.rises((lambda now: now["total"]["dropped"], len(blocked)),
                         (lambda now: now["total"]["accepted"], len(accepted))):
            send(gen, [Flow(gen, fw, source).frame(echo_request(4))
                       for source in [*blocked, *accepted]])
    return run


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_changes_are_there_again(start, control, check, stop):
    afxfw = start()
    control.run("block", A, "--comment", "a reason", "--for", "1h")
    control.run("unblock", B)
    control.run("allow", "203.0.113.0/24")
    control.run("add", "element", "bad", "192.0.2.2")
    control.run("delete", "element", "bad", "192.0.2.1")
    time.sleep(1.2)
    afxfw.stop(stop)  # nothing is given time to be written
    afxfw = start()
    check(afxfw, blocked=[A, "192.0.2.2"], accepted=[B, "192.0.2.1", C])
    entry = control.elements("blocklist")[A]
    assert (entry["comment"], entry["timeout_s"]) == ("a reason", 3600)
    assert 3580 <= entry["expires_s"] <= 3599
    assert "203.0.113.0/24" in control.elements("allowlist")


def test_what_is_over_meanwhile_does_not_come_back(start, control, check):
    afxfw = start()
    control.run("block", A, "--for", "2s")
    control.run("block", C, "--for", "1h")
    afxfw.stop(signal.SIGKILL)
    time.sleep(2.1)
    check(start(), blocked=[C], accepted=[A])


def test_the_file_is_private_and_whole_at_any_moment(start, control, tmp_path):
    start()
    for number in range(50):
        control.run("block", f"203.0.113.{number}")
        lines = (tmp_path / "state").read_text().splitlines()
        assert sum("add" in json.loads(line) for line in lines) == number + 1
    assert os.stat(tmp_path / "state").st_mode & 0o777 == 0o600
    assert not (tmp_path / "state.new").exists()


def test_a_file_that_cannot_be_written_is_told(lab, start_afxfw, control, tmp_path):
    afxfw = start_afxfw(lab["fw"], "--control", control.path, "--persist",
                        tmp_path / "gone" / "state")
    done = control.run("block", A, check=False)
    assert done.returncode == 1
    assert "this is in force, but a restart would forget it" in done.stderr
    assert str(tmp_path / "gone" / "state") in done.stderr
    afxfw.wait_for_line("cannot write")


def test_a_file_that_is_no_state_is_an_error(lab, tmp_path):
    (tmp_path / "state").write_text('{"afxfw_state":1}\n{"list":"blocklist"}\n{"add":"x"}\n')
    with Afxfw(lab["fw"], "--control", tmp_path / "sock", "--persist", tmp_path / "state") as it:
        assert it.wait() == 2
        it.wait_for_line("line 3")
