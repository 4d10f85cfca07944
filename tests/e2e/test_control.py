"""The control socket and afxfwctl's commands that look: who may, what they show, how they fail."""

import grp
import json
import os
import pwd
import signal
import stat
import subprocess

import pytest
from harness.afxfw import AFXFW, Afxfw
from harness.control import AFXFWCTL, Control
from harness.frames import Flow, echo_request, send, tcp
from harness.lab import Lab
from harness.wait import wait_until

pytestmark = pytest.mark.lab(topology="pair", queues=2)

BLOCKED = "198.51.100.7"
COUNT = 50
NOBODY = pwd.getpwnam("nobody")
# A group that nobody is not in, and that root's processes here are not in either.
OTHER_GROUP = grp.getgrnam("games")
RULES = """
table netdev filter {
    set web {
        type ipv4_addr . inet_service
        counter
        elements = { 198.18.0.2 . 443, 198.18.0.2 . 8443 }
    }
    chain in {
        type filter hook ingress device "eth0" priority 0; policy accept;
        ip saddr . tcp dport @web counter accept comment "web"
        tcp dport 22 drop
    }
}
"""


@pytest.fixture
def socket_path(tmp_path):
    # Others than root come through here.
    os.chmod(tmp_path, 0o755)
    for parent in tmp_path.parents:
        if parent.owner() == "root" and parent != parent.parent and str(parent) != "/tmp":
            os.chmod(parent, 0o755)
    return tmp_path / "sock"


@pytest.fixture
def control(socket_path):
    return Control(socket_path)


@pytest.fixture
def blocklist(tmp_path):
    (tmp_path / "block").write_text(f"{BLOCKED}\n2001:db8:bad::/48\n")
    return tmp_path / "block"


@pytest.fixture
def rules(tmp_path):
    (tmp_path / "rules.nft").write_text(RULES)
    return tmp_path / "rules.nft"


def as_nobody(*groups):
    """What makes a command run as nobody, in these groups."""
    ids = ",".join(str(group.gr_gid) for group in groups)
    return ["setpriv", "--reuid", NOBODY.pw_uid, "--regid", NOBODY.pw_gid,
            *(["--groups", ids] if groups else ["--clear-groups"]), "--"]


class TestStatus:
    def test_is_what_the_statistics_say(self, lab, start_afxfw, control, blocklist, rules):
        gen, fw = lab["gen"], lab["fw"]
        afxfw = start_afxfw(fw, "--blocklist", blocklist, "--rules", rules,
                            "--control", control.path)
        frames = [Flow(gen, fw, BLOCKED).frame(echo_request(4)), Flow(gen, fw).frame(tcp(1, 443))]
        send(gen, frames * COUNT)
        afxfw.wait_stats(lambda now: now["total"]["received"] == 2 * COUNT, "all packets")
        status = control.status()
        for name in ("interface", "xdp_mode", "drop_reasons", "inline", "ruleset_generation"):
            assert status[name] == afxfw.stats[name], name
        assert status["total"]["received"] == 2 * COUNT
        assert status["drop_reasons"]["blocklist"] == COUNT
        assert [rule["packets"] for rule in status["rules"]] == [COUNT, 0, COUNT, None]
        assert {each["name"]: each["elements"] for each in status["sets"]} == {
            "blocklist": 2, "web": 2}
        assert status["load"]["by"] == "start"
        text = control.run("status").stdout
        assert "eth0: filtering since" in text
        assert f"blocklist {COUNT}" in text

    def test_shows_rates(self, lab, start_afxfw, control):
        gen, fw = lab["gen"], lab["fw"]
        start_afxfw(fw, "--control", control.path)
        send(gen, [Flow(gen, fw).frame(echo_request(4))] * COUNT)
        assert wait_until(lambda: control.status()["total"]["rates"]["received"] > 0, "a rate")


class TestListings:
    def test_rules_have_handles_and_counters(self, lab, start_afxfw, control, blocklist, rules):
        gen, fw = lab["gen"], lab["fw"]
        afxfw = start_afxfw(fw, "--blocklist", blocklist, "--rules", rules,
                            "--control", control.path)
        assert ("ip saddr . tcp dport @web counter packets 0 bytes 0 accept"
                in control.run("list", "rules").stdout)
        frame = Flow(gen, fw).frame(tcp(1, 443))
        with afxfw.rises((lambda now: now["total"]["accepted"], COUNT)):
            send(gen, [frame] * COUNT)
        text = control.run("list", "rules").stdout
        assert (f"ip saddr . tcp dport @web counter packets {COUNT} bytes {COUNT * len(frame)} "
                'accept comment "web" # handle 5') in text
        assert "ip saddr @blocklist counter packets 0 bytes 0 drop # handle 3" in text
        listed = control.json("list", "rules")["rules"]
        assert [rule["handle"] for rule in listed] == [3, 4, 5, 6]
        assert listed[2]["packets"] == COUNT

    def test_elements_have_counters_that_can_be_reset(self, lab, start_afxfw, control, rules):
        gen, fw = lab["gen"], lab["fw"]
        afxfw = start_afxfw(fw, "--rules", rules, "--control", control.path)

        def flow(count):
            with afxfw.rises((lambda now: now["total"]["accepted"], count)):
                send(gen, [Flow(gen, fw).frame(tcp(1, 443))] * count)

        flow(COUNT)
        assert control.elements("web")["198.18.0.2 . 443"]["packets"] == COUNT
        assert control.elements("web")["198.18.0.2 . 8443"]["packets"] == 0
        # Counts outlive what compiles the rules anew.
        control.run("add", "element", "web", "{ 198.18.0.9 . 443 }")
        assert control.elements("web")["198.18.0.2 . 443"]["packets"] == COUNT
        control.run("reset", "counters")
        assert control.elements("web")["198.18.0.2 . 443"]["packets"] == 0
        assert control.json("list", "rules")["rules"][0]["packets"] == 0
        flow(3)
        assert control.elements("web")["198.18.0.2 . 443"]["packets"] == 3
        assert control.json("list", "rules")["rules"][0]["packets"] == 3
        assert control.status()["total"]["accepted"] == COUNT + 3  # not a rule's

    def test_a_large_list_comes_whole(self, lab, start_afxfw, control, tmp_path):
        """More than one answer holds."""
        addresses = [f"10.{n >> 15}.{(n >> 7) & 255}.{2 * n & 255}" for n in range(25_000)]
        (tmp_path / "many").write_text("\n".join(addresses))
        start_afxfw(lab["fw"], "--blocklist", tmp_path / "many", "--control", control.path)
        assert set(control.elements("blocklist")) == set(addresses)

    def test_an_unknown_set_is_an_error(self, lab, start_afxfw, control):
        start_afxfw(lab["fw"], "--control", control.path)
        done = control.run("list", "set", "nope", check=False)
        assert done.returncode == 2
        assert "there is no set 'nope'" in done.stderr


class TestWho:
    def test_others_get_nothing(self, lab, start_afxfw, control):
        start_afxfw(lab["fw"], "--control", control.path)
        status = os.stat(control.path)
        assert stat.S_IMODE(status.st_mode) == 0o660
        done = control.run("status", check=False, prefix=as_nobody())
        assert done.returncode == 3
        assert "permission denied" in done.stderr and "--control-group" in done.stderr

    def test_the_mode_of_the_socket_is_not_all_that_keeps_others_out(self, lab, start_afxfw,
                                                                     control):
        start_afxfw(lab["fw"], "--control", control.path)
        os.chmod(control.path, 0o666)
        done = control.run("status", check=False, prefix=as_nobody())
        assert done.returncode == 3
        assert f"uid {NOBODY.pw_uid}" in done.stderr

    def test_the_read_group_looks_and_changes_nothing(self, lab, start_afxfw, control):
        start_afxfw(lab["fw"], "--control", control.path,
                    "--control-read-group", OTHER_GROUP.gr_name)
        assert os.stat(control.path).st_gid == OTHER_GROUP.gr_gid
        nobody = as_nobody(OTHER_GROUP)
        assert "eth0" in control.run("status", prefix=nobody).stdout
        for change in (["block", BLOCKED], ["reset", "counters"], ["reload"], ["detach"],
                       ["confirm"], ["flush", "set", "blocklist"], ["unblock", BLOCKED]):
            done = control.run(*change, check=False, prefix=nobody)
            assert done.returncode == 3, change
            assert "may read, and not change anything" in done.stderr
        assert control.json("list", "sets")["sets"] == []

    def test_the_control_group_changes_things(self, lab, start_afxfw, control, rules):
        start_afxfw(lab["fw"], "--control", control.path, "--control-group", OTHER_GROUP.gr_name)
        nobody = as_nobody(OTHER_GROUP)
        control.run("block", BLOCKED, prefix=nobody)
        assert BLOCKED in control.elements("blocklist")
        control.run("reload", prefix=nobody)
        assert f"uid {NOBODY.pw_uid}" in control.status()["load"]["by"]
        # But for files that only root may read: errors would show them.
        done = control.run("reload", "--rules", rules, check=False, prefix=nobody)
        assert done.returncode == 3 and "only root" in done.stderr

    def test_a_group_that_is_not_there_is_an_error_at_start(self, lab, socket_path):
        with Afxfw(lab["fw"], "--control", socket_path, "--control-group", "no-such-group") as it:
            assert it.wait() == 2
            it.wait_for_line("--control-group names the group 'no-such-group'")


class TestSocket:
    def test_is_removed_at_the_end(self, lab, start_afxfw, control):
        afxfw = start_afxfw(lab["fw"], "--control", control.path)
        afxfw.finish()
        assert not control.path.exists()
        done = control.run("status", check=False)
        assert done.returncode == 1
        assert "there is no control socket" in done.stderr

    def test_of_a_killed_run_is_replaced(self, lab, start_afxfw, control):
        killed = start_afxfw(lab["fw"], "--control", control.path)
        killed.stop(signal.SIGKILL)
        assert control.path.exists()
        done = control.run("status", check=False)
        assert done.returncode == 1 and "was killed" in done.stderr
        afxfw = start_afxfw(lab["fw"], "--control", control.path)
        assert control.json("version")["pid"] == afxfw.pid

    def test_of_a_live_run_is_respected(self, lab, start_afxfw, control, lab_prefix):
        first = start_afxfw(lab["fw"], "--control", control.path)
        with Lab(lab_prefix(), topology="pair") as other:
            with Afxfw(other["fw"], "--control", control.path) as second:
                assert second.wait() == 2
                second.wait_for_line("another process listens on the control socket")
        assert control.json("version")["pid"] == first.pid

    def test_a_file_that_is_no_socket_is_respected(self, lab, socket_path):
        socket_path.write_text("precious")
        with Afxfw(lab["fw"], "--control", socket_path) as afxfw:
            assert afxfw.wait() == 2
            afxfw.wait_for_line("is no socket")
        assert socket_path.read_text() == "precious"

    def test_none_makes_none(self, lab, start_afxfw):
        afxfw = start_afxfw(lab["fw"], "--control", "none")
        assert not any("control socket" in line for line in afxfw.stderr_lines)

    def test_umask_changes_nothing(self, lab, start_afxfw, control):
        before = os.umask(0o077)
        try:
            start_afxfw(lab["fw"], "--control", control.path)
        finally:
            os.umask(before)
        assert stat.S_IMODE(os.stat(control.path).st_mode) == 0o660


class TestCommandLine:
    def run(self, *arguments):
        return subprocess.run([AFXFWCTL, *arguments], capture_output=True, text=True, timeout=30)

    def test_finds_the_one_of_an_interface(self, lab, start_afxfw):
        afxfw = start_afxfw(lab["fw"])
        found = [line for line in afxfw.stderr_lines if "control socket /run/afxfw/eth0." in line]
        assert found, afxfw
        path = found[0].split()[-1]
        done = subprocess.run(["nsenter", f"--net={lab['fw'].namespace_path}", "--", AFXFWCTL,
                               "--iface", "eth0", "version", "--json"], capture_output=True,
                              text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["pid"] == afxfw.pid
        assert Control(path).json("version")["interface"] == "eth0"

    def test_says_when_none_runs_there(self, lab, start_afxfw):
        start_afxfw(lab["fw"])
        done = self.run("--iface", "no-such0", "status")
        assert done.returncode == 1
        assert "no afxfw runs on no-such0; there are:" in done.stderr

    @pytest.mark.parametrize("arguments, message", [
        ([], "a command is missing"),
        (["stauts"], "there is no command 'stauts'"),
        (["list"], "afxfwctl list rules"),
        (["block"], "expected: afxfwctl block PREFIX"),
        (["block", "1.2.3.4", "--for", "ten"], "--for is 'ten'"),
        (["block", "300.2.3.4"], "octet over 255"),
        (["status", "--for", "10m"], "has no option --for"),
        (["list", "set"], "expected: afxfwctl list set NAME"),
    ])
    def test_explains_what_is_wrong(self, lab, start_afxfw, control, arguments, message):
        start_afxfw(lab["fw"], "--control", control.path)
        done = control.run(*arguments, check=False)
        assert done.returncode == 2, done
        assert message in done.stderr

    def test_help_has_every_command(self):
        done = self.run("--help")
        assert done.returncode == 0
        for command in ("status", "list rules", "block", "unblock", "reload", "confirm", "monitor",
                        "detach", "Examples:"):
            assert command in done.stdout


def test_detach_stops_it(lab, start_afxfw, control):
    fw = lab["fw"]
    afxfw = start_afxfw(fw, "--control", control.path)
    assert "detached" in control.run("detach").stdout
    # When afxfwctl returns, all is done.
    assert afxfw.exit_code == 0
    assert "xdp" not in fw.link()
    assert fw.link_names() == ["lo", "eth0"]


def test_help_of_afxfw_names_the_options():
    done = subprocess.run([AFXFW, "--help"], capture_output=True, text=True, timeout=30)
    for option in ("--control ", "--control-group", "--control-read-group", "--persist"):
        assert option in done.stdout
