"""afxfw under a service manager: readiness, reloads, status, the end, and the watchdog."""

import re
import signal
import time

import pytest
from harness.afxfw import AFXFW
from harness.freeze import frozen, thread_id
from harness.service_manager import ServiceManager
from harness.wait import wait_until

pytestmark = pytest.mark.lab(topology="pair", queues=2)

WATCHDOG_S = 1.0
STALL_S = 3.0  # without progress for so long, a worker is taken for stalled


@pytest.fixture
def run(lab, tmp_path):
    """run(*options, watchdog_s): afxfw, ready, and the service manager that it tells."""
    started = []

    def start(*options, watchdog_s=None):
        manager = ServiceManager(tmp_path, watchdog_s)
        variables = [f"{name}={value}" for name, value in manager.environment.items()]
        afxfw = lab["fw"].start("env", *variables, AFXFW, "--iface", "eth0", *options)
        started.extend([afxfw, manager])
        manager.wait("READY", timeout_s=20)
        return afxfw, manager

    yield start
    for each in started:
        each.__exit__(None, None, None)


def pings(manager, since, seconds):
    """How many signs of life came within so many seconds after a point of time."""
    wait_until(lambda: time.monotonic() > since + seconds, "the time", seconds + 5)
    return sum(since <= when <= since + seconds for when, _ in manager.all("WATCHDOG"))


def test_is_ready_only_when_it_filters(lab, run):
    _, manager = run()
    assert "xdp" in lab["fw"].link()
    assert manager.heard[0][1] == {"READY": "1", "STATUS": "filtering eth0"}


def test_without_a_manager_it_runs_as_ever(start_afxfw, lab):
    start_afxfw(lab["fw"]).finish()


def test_reload_and_stop_are_told(run):
    afxfw, manager = run()
    before = time.clock_gettime(time.CLOCK_MONOTONIC)
    afxfw.send(signal.SIGHUP)
    reloading = manager.wait("RELOADING")
    assert before * 1e6 <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic() * 1e6
    manager.wait("READY", count=2)
    assert afxfw.stop(signal.SIGTERM) == 0
    assert manager.wait("STOPPING") == {"STOPPING": "1", "STATUS": "detaching"}


def test_a_failed_reload_ends_too(run, tmp_path):
    blocklist = tmp_path / "list"
    blocklist.write_text("192.0.2.1\n")
    afxfw, manager = run("--blocklist", blocklist)
    blocklist.write_text("no address\n")
    afxfw.send(signal.SIGHUP)
    manager.wait("READY", count=2)
    afxfw.wait_for_line("reload failed, the rules in force stay")


def test_status_has_rates(run):
    _, manager = run()
    status = manager.wait("STATUS", count=2, timeout_s=15)["STATUS"]
    assert re.fullmatch(r"filtering eth0: workers receive \S+( [kMG])?/s, accept .*/s, drop .*/s; "
                        "rules generation 1", status)


def test_watchdog_is_fed_while_all_goes_well(run):
    _, manager = run(watchdog_s=WATCHDOG_S)
    assert pings(manager, time.monotonic(), 2 * WATCHDOG_S) >= 4


def test_watchdog_goes_hungry_while_a_worker_hangs(run):
    afxfw, manager = run(watchdog_s=WATCHDOG_S)
    with frozen(thread_id(afxfw.pid, "afxfw/q1")):
        afxfw.wait_for_line("eth0 queue 1: its worker has not run for 3 s")
        assert pings(manager, time.monotonic() + WATCHDOG_S / 4, WATCHDOG_S) == 0
    wait_until(lambda: pings(manager, time.monotonic(), WATCHDOG_S) > 0, "it is fed again")
    assert afxfw.stop() == 0


def test_watchdog_goes_hungry_while_the_event_loop_hangs(run):
    afxfw, manager = run(watchdog_s=WATCHDOG_S)
    with frozen(afxfw.pid):
        assert pings(manager, time.monotonic() + WATCHDOG_S / 4, WATCHDOG_S) == 0
    wait_until(lambda: pings(manager, time.monotonic(), WATCHDOG_S) > 0, "it is fed again")
    assert afxfw.stop() == 0


def test_an_idle_busy_polling_worker_is_alive(run):
    afxfw, manager = run("--busy-poll", watchdog_s=WATCHDOG_S)
    assert pings(manager, time.monotonic() + STALL_S, WATCHDOG_S) >= 2
    assert not any("has not run" in line for line in afxfw.stderr_lines)
