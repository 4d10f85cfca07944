"""afxfwctl top in a real terminal, and the sources of what is dropped, under traffic."""

import contextlib
import json
import re
import signal
import subprocess
import time

import pytest
from harness.control import AFXFWCTL, Control
from harness.pktgen import Pktgen
from harness.tmux import Tmux
from harness.wait import wait_until

pytestmark = pytest.mark.lab(topology="pair", queues=2)

FLOOD, FLOOD_PPS = "198.51.100.7", 20_000
FLOOD_IPV6, FLOOD_IPV6_PPS = "2001:db8:bad::7", 1_000
# The first are more packets, the second more bits.
SMALL = {"dport": 443, "rate": 3_000, "size": 60}
LARGE = {"dport": 8443, "rate": 500, "size": 1500}
RULES = """
table netdev filter {
    chain in {
        type filter hook ingress device "eth0" priority 0; policy accept;
        tcp dport 443 counter drop
        tcp dport 8443 counter drop
    }
}
"""
FACTORS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}


@pytest.fixture
def control(tmp_path):
    return Control(tmp_path / "sock")


@pytest.fixture
def afxfw(lab, start_afxfw, control, tmp_path):
    (tmp_path / "rules.nft").write_text(RULES)
    (tmp_path / "block").write_text(f"{FLOOD}\n{FLOOD_IPV6}\n")
    return start_afxfw(lab["fw"], "--rules", tmp_path / "rules.nft", "--blocklist",
                       tmp_path / "block", "--control", control.path)


@pytest.fixture
def traffic(lab, afxfw):
    gen, fw = lab["gen"], lab["fw"]
    common = {"dst_mac": fw.mac, "proto": "tcp"}
    with contextlib.ExitStack() as senders:
        for options in (
                {"src": FLOOD, "dst": fw.ipv4, "rate": FLOOD_PPS},
                {"src": FLOOD_IPV6, "dst": fw.ipv6, "rate": FLOOD_IPV6_PPS},
                {"src": gen.ipv4, "dst": fw.ipv4, **SMALL},
                {"src": "198.18.0.3", "dst": fw.ipv4, **LARGE}):
            senders.enter_context(Pktgen(gen, **common, **options))
        afxfw.wait_stats(lambda now: now["drop_reasons"]["blocklist"] > 0, "traffic")
        yield


@pytest.fixture
def terminal(lab_prefix):
    with Tmux(lab_prefix()) as opened:
        yield opened


def number(text):
    digits, _, unit = text.partition(" ")
    return float(digits) * FACTORS[unit]


def sources(screen):
    """The rows of the table of sources: (address, reason, packets/s, packets, at most more)."""
    scaled = r"([\d.]+ ?[kMG]?)"
    rows = re.findall(rf"^ *{scaled} +{scaled} +{scaled}  (\w+) +([\da-f.:]+)$",
                      screen.partition("Space-Saving")[2], re.MULTILINE)
    return [(address, reason, number(rate), number(packets), number(error))
            for rate, packets, error, reason, address in rows]


def rules(screen):
    """The ports in the table of rules, in its order."""
    return [int(port) for port in re.findall(r"tcp dport (\d+) ", screen)]


def plausible(rate, sent):
    return sent / 2 < rate < sent * 1.5


def is_top_with_the_flood(screen):
    first = (sources(screen) or [("", "", 0, 0, 0)])[0]
    return first[:2] == (FLOOD, "blocklist") and plausible(first[2], FLOOD_PPS)


def top(control, *options):
    return [AFXFWCTL, "--socket", control.path, "top", *options]


class TestScreen:
    def test_shows_what_goes_on_and_takes_keys(self, traffic, control, terminal):
        terminal.start(*top(control, "--interval", "0.3"))
        screen = terminal.wait(is_top_with_the_flood, "the flood's source on top")
        assert terminal.in_full_screen
        assert screen.startswith("afxfw on eth0: native XDP, up ")
        assert re.search(r"dropped in \d+ s: Space-Saving, 256 counters, 1 in 64, error <= 0$",
                         screen, re.MULTILINE)
        by_address = {row[0]: row for row in sources(screen)}
        assert by_address["198.18.0.2"][1] == "rule"
        assert len(re.findall(r"^ +[01] +\d+ +no ", screen, re.MULTILINE)) == 2, screen
        assert all(len(line) <= 80 for line in screen.splitlines())

        terminal.wait(lambda now: rules(now)[:2] == [443, 8443], "the most packets first")
        terminal.type("b")
        terminal.wait(lambda now: rules(now)[:2] == [8443, 443], "the most bits first")
        terminal.type("Left")
        terminal.wait(lambda now: rules(now)[:2] == [443, 8443], "the order before")
        terminal.type("?")
        terminal.wait(lambda now: "this help" in now, "help")
        terminal.type("Space")
        terminal.type("Space")
        paused = terminal.wait(lambda now: "PAUSED" in now, "a pause")
        terminal.resize(60, 16)
        terminal.wait(lambda now: len(now.splitlines()) == 16
                      and now.startswith("afxfw on eth0") and "quit" in now.splitlines()[-1],
                      "the new size")
        time.sleep(1.2)  # more than the second that the time up is shown to
        assert terminal.screen.splitlines()[0] == paused.splitlines()[0], "it did not pause"

        terminal.type("q")
        screen = terminal.wait(lambda now: "code=0" in now, "the shell")
        assert not terminal.in_full_screen
        assert "Space-Saving" not in screen

    def test_a_signal_leaves_the_terminal_as_it_was(self, afxfw, control, terminal):
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            terminal.start(*top(control))
            terminal.wait(lambda now: "Space-Saving" in now, "the screen")
            pids = subprocess.run(["pgrep", "-f", f"{control.path} top$"], text=True,
                                  check=True, stdout=subprocess.PIPE).stdout.split()
            assert len(pids) == 1, pids
            subprocess.run(["kill", f"-{signal_number.value}", pids[0]], check=True)
            terminal.wait(lambda now: "code=0" in now, "the shell")
            assert not terminal.in_full_screen
            terminal.type("e", "c", "h", "o", "Space", "$((6*7))", "Enter")
            terminal.wait(lambda now: "echo $((6*7))" in now and "\n42\n" in now,
                          "a terminal that echoes")
            terminal.type("C-l")
            terminal.wait(lambda now: "code=0" not in now, "a clear screen")

    def test_says_that_afxfw_has_ended(self, afxfw, control, terminal):
        terminal.start(*top(control))
        terminal.wait(lambda now: "Space-Saving" in now, "the screen")
        afxfw.finish()
        screen = terminal.wait(lambda now: "code=1" in now, "the shell")
        assert not terminal.in_full_screen
        assert f"afxfwctl: the afxfw at {control.path} has ended" in screen.replace("\n", "")


class TestWithoutATerminal:
    def test_is_an_error_that_says_what_to_use(self, afxfw, control):
        done = control.run("top", check=False)
        assert done.returncode == 2
        assert "top needs a terminal; without one, use: afxfwctl top --batch" in done.stderr
        assert done.stdout == ""

    def test_batch_prints_plain_screens(self, traffic, control):
        def screens():
            text = control.run("top", "--batch", "-n", "2", "--interval", "0.3").stdout
            assert text.isascii() and "\x1b" not in text
            first, second = text.split("\n\nafxfw on eth0")
            return is_top_with_the_flood(first) and is_top_with_the_flood(second)
        wait_until(screens, "two screens with the flood's source on top", timeout_s=20)

    def test_json_is_both_answers(self, afxfw, control):
        lines = control.run("top", "--json", "-n", "2", "--interval", "0.1").stdout.splitlines()
        assert len(lines) == 2
        for line in map(json.loads, lines):
            assert line["status"]["interface"] == "eth0"
            assert line["top_sources"]["sketch"] == "Space-Saving"

    def test_ends_when_afxfw_has(self, afxfw, control):
        with subprocess.Popen(top(control, "--batch", "--interval", "0.1"), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout.readline().startswith("afxfw on eth0")
            afxfw.finish()
            _, stderr = process.communicate(timeout=20)
        assert process.returncode == 1
        assert "has ended" in stderr


def test_sources_are_those_of_the_last_seconds(traffic, afxfw, control):
    """The protocol's answer: both families, with reasons; a source that stops is gone."""
    def ask(**fields):
        return control.ask({"version": 1, "command": "top_sources", **fields})["result"]

    def of(address):
        return {each["address"]: each for each in ask()["sources"]}.get(address)

    def has_all():
        floods = [of(FLOOD), of(FLOOD_IPV6)]
        return all(floods) and (plausible(floods[0]["rate"], FLOOD_PPS)
                                and plausible(floods[1]["rate"], FLOOD_IPV6_PPS))
    wait_until(has_all, "both floods")
    answer = ask(count=1)
    assert [each["address"] for each in answer["sources"]] == [FLOOD]
    assert answer["error_bound"] == 0, "there is a counter for each"
    assert of(FLOOD_IPV6)["reason"] == "blocklist"
    assert of("198.18.0.3")["reason"] == "rule"
    # Who is on no list any more is dropped no longer.
    control.run("unblock", FLOOD_IPV6)
    wait_until(lambda: of(FLOOD_IPV6) is None, "that it is forgotten", timeout_s=20)
    assert of(FLOOD) is not None
    assert afxfw.exit_code is None
