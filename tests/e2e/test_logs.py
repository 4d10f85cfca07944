"""What afxfw logs: the formats, the warnings that matter, and that they don't flood the log."""

import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from harness.afxfw import AFXFW
from harness.journal import Journal
from harness.lab import Lab
from harness.pktgen import Pktgen
from harness.wait import wait_until

pytestmark = pytest.mark.lab(topology="pair", queues=1)

FLAPS = 14
LINK_WARNINGS = 10  # of them, a minute
SMALL_RINGS = ("--ring-size", "64", "--frames", "256")


def stop(afxfw):
    assert afxfw.stop() == 0, afxfw


class TestFormats:
    def test_json_is_an_object_a_line(self, lab):
        with lab["fw"].start(AFXFW, "--iface", "eth0", "--log-format", "json") as afxfw:
            afxfw.wait_for_line("ready: filtering eth0")
            lab["fw"].run("ip", "link", "set", "eth0", "mtu", "1600")
            lab["fw"].run("ip", "link", "set", "eth0", "mtu", "1500")
            stop(afxfw)
        messages = [json.loads(line) for line in afxfw.stderr_lines]
        assert {message["interface"] for message in messages} == {"eth0"}
        assert "ready: filtering eth0" in [message["message"] for message in messages]
        assert {message["level"] for message in messages} <= {"info", "warn"}
        # The description has several lines, but is one message.
        assert any("\n  queues " in message["message"] for message in messages)
        now = datetime.now(timezone.utc)
        for message in messages:
            time = datetime.fromisoformat(message["time"].replace("Z", "+00:00"))
            assert timedelta(0) <= now - time < timedelta(minutes=1)

    def test_journald_without_a_journal_is_a_priority_a_line(self, lab, tmp_path):
        # Its own /run has no journal.
        with lab["fw"].start("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /run && exec "$@"',
                             tmp_path, AFXFW, "--iface", "eth0", "--log-format",
                             "journald") as afxfw:
            afxfw.wait_for_line("^<6>ready: filtering eth0$")
            stop(afxfw)
        assert all(re.match(r"<[3-7]>", line) for line in afxfw.stderr_lines), afxfw

    def test_journald_sends_fields(self, lab, tmp_path):
        with Journal(tmp_path) as journal:
            with lab["fw"].start("unshare", "--mount", "sh", "-c",
                                 'mount --bind "$0" /run && exec "$@"', tmp_path, AFXFW, "--iface",
                                 "eth0", "--log-format", "journald") as afxfw:
                ready = wait_until(lambda: [each for each in journal.messages
                                            if each["MESSAGE"] == "ready: filtering eth0"],
                                   f"the message that it is ready: {afxfw}")
                stop(afxfw)
            assert afxfw.stderr_lines == []
            assert ready == [{"MESSAGE": "ready: filtering eth0", "PRIORITY": "6",
                              "SYSLOG_IDENTIFIER": "afxfw", "AFXFW_INTERFACE": "eth0"}]
            assert any("\n  queues " in each["MESSAGE"] for each in journal.messages)

    def test_an_error_at_the_start_is_logged_in_the_format(self, lab):
        done = lab["fw"].run(AFXFW, "--iface", "none0", "--log-format", "json", check=False)
        assert done.returncode == 4
        message = json.loads(done.stderr)
        assert (message["level"], message["interface"]) == ("error", "none0")
        assert "no interface 'none0'" in message["message"]


def test_warns_of_kernel_drops_once_and_says_what_helps(lab, start_afxfw):
    gen, fw = lab["gen"], lab["fw"]
    afxfw = start_afxfw(fw, "--reinject", "none", "--inline-drop", "none", *SMALL_RINGS)
    with Pktgen(gen, dst_mac=fw.mac, src=gen.ipv4, dst=fw.ipv4, proto="tcp", dport=443):
        afxfw.wait_stats(lambda now: now["total"]["kernel_drops"] > 1000, "kernel drops")
        afxfw.wait_for_line(r"eth0 queue 0: the kernel dropped [\d,]+ packets.*: the worker cannot "
                            r"keep up; .*\(--cpus, now \d\).* --ring-size")
        before = afxfw.stats["uptime_s"]
        afxfw.wait_stats(lambda now: now["uptime_s"] > before + 3, "three more seconds")
    assert sum("the kernel dropped" in line for line in afxfw.stderr_lines) == 1
    assert afxfw.finish()["total"]["kernel_drops"] > 1000


def test_warns_of_an_offload_that_is_turned_on(lab, start_afxfw):
    fw = lab["fw"]
    afxfw = start_afxfw(fw)
    fw.run("ethtool", "-K", "eth0", "rxvlan", "on")
    afxfw.wait_for_line("eth0: rxvlan was turned on while afxfw runs: .*; "
                        "run: ethtool -K eth0 rxvlan off")
    fw.run("ethtool", "-K", "eth0", "rxvlan", "off")
    afxfw.finish()


def test_a_link_that_flaps_does_not_flood_the_log(lab_prefix, start_afxfw):
    with Lab(lab_prefix(), "pair", queues=1) as lab:
        gen = lab["gen"]
        afxfw = start_afxfw(lab["fw"])

        def told():
            return [line for line in afxfw.stderr_lines if "eth0: the link is " in line]
        for flap in range(FLAPS):
            gen.run("ip", "link", "set", "gen0", "up" if flap % 2 else "down")
            if len(told()) < LINK_WARNINGS:
                wait_until(lambda: len(told()) == flap + 1, f"{flap + 1} warnings")
        lines = len(afxfw.stdout_lines)
        afxfw.wait_stats(lambda _: len(afxfw.stdout_lines) > lines + 2, "some more statistics")
        assert len(told()) == LINK_WARNINGS
        assert "down (no carrier): look at the cable" in told()[0]
        afxfw.finish()
