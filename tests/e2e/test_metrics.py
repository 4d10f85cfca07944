"""Metrics for Prometheus: after real traffic, against the JSON statistics, promtool and Prometheus."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import urllib.parse

import pytest
from harness.afxfw import AFXFW
from harness.frames import Flow, send, tcp, udp
from harness.freeze import frozen, thread_id
from harness.metrics import Metrics
from harness.servers import curl
from harness.wait import wait_until

pytestmark = pytest.mark.lab(topology="pair", queues=2)

PORT = 9469
ADDRESS = f"127.0.0.1:{PORT}"
PROMETHEUS_PORT = 9090
COUNT = 100
BLOCKED = "198.51.100.7"
RULES = """
table netdev filter {
	chain in {
		type filter hook ingress device "eth0" priority 0; policy accept;
		tcp dport 23 counter drop comment "no telnet"
	}
}
"""


def get(host, path, *options):
    done = curl(host, "127.0.0.1", path, *options, port=PORT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def scrape(host):
    return Metrics(get(host, "/metrics"))


@pytest.fixture
def firewall(lab, start_afxfw, tmp_path):
    """An afxfw with metrics, a blocklist and a rule, that has seen some packets of each kind."""
    gen, fw = lab["gen"], lab["fw"]
    fw.run("ip", "link", "set", "lo", "up")
    (tmp_path / "list").write_text(f"{BLOCKED}\n")
    (tmp_path / "rules.nft").write_text(RULES)
    afxfw = start_afxfw(fw, "--metrics", ADDRESS, "--blocklist", tmp_path / "list", "--rules",
                        tmp_path / "rules.nft")
    own, blocked = Flow(gen, fw), Flow(gen, fw, BLOCKED)
    send(gen, [own.frame(tcp(1024, 443)), own.frame(tcp(1024, 23)), own.frame(udp(1024, 53)),
               blocked.frame(tcp(1024, 443))] * COUNT)
    afxfw.wait_stats(lambda now: now["total"]["received"] == 3 * COUNT
                     and now["inline"]["drop"] == COUNT, "all packets")
    afxfw.wait_stats(lambda now: now["total"]["reinjected"] == COUNT, "the accepted ones")
    return afxfw


def test_numbers_are_those_of_the_traffic(lab, firewall):
    metrics = scrape(lab["fw"])
    assert metrics.sum("afxfw_received_packets_total", interface="eth0") == 3 * COUNT
    assert metrics.sum("afxfw_accepted_packets_total") == COUNT
    assert metrics.sum("afxfw_reinjected_packets_total") == COUNT
    assert metrics.sum("afxfw_dropped_packets_total", reason="blocklist") == COUNT
    assert metrics.sum("afxfw_dropped_packets_total", reason="rule") == COUNT
    assert metrics.sum("afxfw_dropped_packets_total", reason="policy") == 0
    assert metrics.sum("afxfw_inline_packets_total", outcome="drop") == COUNT
    assert metrics.sum("afxfw_inline_packets_total", outcome="redirect") == 3 * COUNT
    assert metrics.sum("afxfw_rule_packets_total", chain="in") == COUNT
    assert metrics.sum("afxfw_kernel_dropped_packets_total") == 0
    assert metrics.sum("afxfw_frames_unaccounted") == 0
    assert metrics.sum("afxfw_info", xdp_mode="native", on_failure="pass") == 1
    bytes_received = metrics.sum("afxfw_received_bytes_total")
    assert bytes_received == firewall.stats["total"]["bytes"] > 0


def test_promtool_finds_nothing_to_say(lab, firewall):
    if shutil.which("promtool") is None:
        pytest.skip("needs promtool, of Debian's package prometheus; unsupported here")
    done = subprocess.run(["promtool", "check", "metrics"], input=scrape(lab["fw"]).text, text=True,
                          capture_output=True, timeout=30)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@contextlib.contextmanager
def prometheus(host, directory):
    """A Prometheus in the host that scrapes afxfw every second; query(expression) asks it."""
    config = directory / "prometheus.yml"
    config.write_text("scrape_configs:\n"
                      "- {job_name: afxfw, scrape_interval: 1s,\n"
                      f"   static_configs: [{{targets: ['{ADDRESS}']}}]}}\n")
    with host.start("prometheus", f"--config.file={config}",
                    f"--storage.tsdb.path={directory / 'data'}",
                    f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}") as process:
        def query(expression):
            path = "/api/v1/query?query=" + urllib.parse.quote(expression)
            done = curl(host, "127.0.0.1", path, port=PROMETHEUS_PORT)
            assert process.exit_code is None, process
            if done.returncode != 0:
                return None  # not up yet
            result = json.loads(done.stdout)["data"]["result"]
            return float(result[0]["value"][1]) if result else None
        yield query


def test_prometheus_scrapes_it(lab, firewall, tmp_path):
    if shutil.which("prometheus") is None:
        pytest.skip("needs Debian's package prometheus; unsupported here")
    with prometheus(lab["fw"], tmp_path) as query:
        assert wait_until(lambda: query('up{job="afxfw"}'), "a scrape", 30) == 1
        assert query("sum(afxfw_received_packets_total)") == 3 * COUNT
        assert query('sum(afxfw_dropped_packets_total{reason="blocklist"})') == COUNT


def test_health_follows_the_workers(lab, firewall):
    fw = lab["fw"]
    assert get(fw, "/healthz") == "ok\n"
    status = ("--no-fail", "--write-out", "%{http_code}")
    with frozen(thread_id(firewall.pid, "afxfw/q1")):
        firewall.wait_for_line("eth0 queue 1: its worker has not run")
        assert get(fw, "/healthz", *status) == "the worker of queue 1 hangs\n503"
    wait_until(lambda: get(fw, "/healthz", *status) == "ok\n200", "health again")


def test_hostile_clients_harm_nothing(lab, firewall):
    """Half-open requests up to the limit, and garbage: packets flow on, and so do statistics."""
    gen, fw = lab["gen"], lab["fw"]
    clients = []
    for number in range(40):
        client = fw.socket()
        with contextlib.suppress(OSError):
            client.connect(("127.0.0.1", PORT))
            client.sendall((b"GET /met", b"\x16\x03\x01" * 5000, b"")[number % 3])
        clients.append(client)
    with firewall.rises((lambda now: now["total"]["reinjected"], COUNT)):
        send(gen, [Flow(gen, fw).frame(tcp(1024, 443))] * COUNT)
    for client in clients:
        client.close()
    assert wait_until(lambda: curl(fw, "127.0.0.1", "/metrics", port=PORT).stdout, "an answer")


def test_a_taken_port_is_an_error_that_says_so(lab):
    fw = lab["fw"]
    fw.run("ip", "link", "set", "lo", "up")
    with contextlib.closing(fw.socket(socket.AF_INET)) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", PORT))
        other.listen()
        done = fw.run(AFXFW, "--iface", "eth0", "--metrics", ADDRESS, check=False)
    assert done.returncode == 1
    assert re.search(f"cannot serve metrics on {ADDRESS}: Address already in use; choose another",
                     done.stderr)
    assert "xdp" not in fw.link()
