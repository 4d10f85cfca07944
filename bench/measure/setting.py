"""What bench/throughput and bench/ndr have in common: options, installing, building, the output."""

import atexit
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .contenders import Contenders, Cpus
from .cpu import machine
from .lists import Lists
from .runs import Bench

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTED = ROOT / "docs" / "results"
PROGRAMS = {
    "afxfw": "src/app/afxfw",
    "afxfw-pktgen": "tools/pktgen/afxfw-pktgen",
    "bare-afxdp": "bench/baseline/bare-afxdp",
    "core-distance": "bench/baseline/core-distance",
}
TOOLS = ("ip", "ethtool", "nft", "nsenter", "unshare", "taskset", "jq", "ping", "meson", "ninja")
FAILURE, PRIVILEGE = 1, 3  # exit codes, as afxfw's
BUSY_LOAD = 0.5


def add_options(parser):
    parser.add_argument("--cpus", default="0,1", metavar="GENERATOR,WORKER", help="default: 0,1")
    parser.add_argument("--build-dir", type=Path, default=ROOT / "build", help="default: build")
    parser.add_argument("--results", type=Path, metavar="DIR",
                        help="where JSON and plots go; default: results in the build directory")
    parser.add_argument("--record", action="store_true",
                        help="put JSON and plots into docs/results, and the tables made of them "
                        "into the documents")


def check_options(parser, arguments):
    try:
        arguments.cpus = Cpus(*map(int, arguments.cpus.split(",")))
    except (ValueError, TypeError):
        parser.error("--cpus takes two CPU numbers, such as 0,1")
    if not set(arguments.cpus) <= os.sched_getaffinity(0) or len(set(arguments.cpus)) != 2:
        parser.error("--cpus must name two different CPUs on which this program may run")
    if arguments.record and arguments.results:
        parser.error("--record has its own place for results: leave --results out")
    if arguments.results is None:
        arguments.results = DOCUMENTED if arguments.record else arguments.build_dir / "results"


def give_up(text, code=FAILURE):
    print(f"{Path(sys.argv[0]).name}: {text}", file=sys.stderr)
    sys.exit(code)


def make_ready(build_dir):
    """Installs what is missing, builds what is measured, and returns the programs' paths."""
    if os.geteuid() != 0:
        give_up(f"network namespaces and XDP need root: sudo {shlex.join(sys.argv)}", PRIVILEGE)
    load = os.getloadavg()[0]
    if load > BUSY_LOAD:
        print(f"{Path(sys.argv[0]).name}: the load average is {load:.1f}: other programs are at "
              "work, and the figures will show it", file=sys.stderr)
    configured = (build_dir / "build.ninja").exists()
    if not configured or any(shutil.which(tool) is None for tool in TOOLS):
        must_run(ROOT / "tools" / "install-deps", "bench", stdout=sys.stderr)
    atexit.register(leave_to_user, build_dir)
    if not configured:
        must_run("meson", "setup", build_dir, ROOT, stdout=subprocess.DEVNULL)
    print("building ...", file=sys.stderr, flush=True)
    must_run("ninja", "-C", build_dir, *PROGRAMS.values(), stdout=sys.stderr)
    return {name: build_dir / path for name, path in PROGRAMS.items()}


def must_run(*command, stdout):
    done = subprocess.run(command, stdout=stdout, check=False)
    if done.returncode != 0:
        give_up(f"{shlex.join(map(str, command))} failed: see above")


def leave_to_user(directory):
    """Under sudo, leaves nothing of root's in it."""
    if user := os.environ.get("SUDO_UID"):
        subprocess.run(["chown", "-R", f"{user}:{os.environ['SUDO_GID']}", directory], check=False)


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@contextlib.contextmanager
def prepared(arguments, programs):
    """Bench and Contenders, whose files last as long as the block."""
    # As Ctrl-C: an exception, so that everything is cleaned up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))

    def progress(text):
        print(f"  {text}", file=sys.stderr, flush=True)

    cpus = [str(cpu) for cpu in arguments.cpus]
    # What we do between runs and to read counters takes nothing from the worker.
    os.sched_setaffinity(0, {arguments.cpus.generator})
    bench = Bench(programs["afxfw-pktgen"], output_of(programs["afxfw-pktgen"], "--help"),
                  ROOT / "tools" / "lab", os.environ.get("AFXFW_LAB_PREFIX", "afxbench"),
                  arguments.cpus, progress,
                  lambda: float(output_of("taskset", "--cpu-list", ",".join(cpus),
                                          programs["core-distance"], *cpus)))
    with tempfile.TemporaryDirectory(prefix="afxfw-bench-") as directory:
        yield bench, Contenders(programs, Lists(Path(directory)), arguments.cpus,
                                output_of(programs["afxfw"], "--help"),
                                ROOT / "bench" / "data" / "ipsum-level1.txt")


def new_document(schedule, programs):
    """What results go into, with what they were made by and on."""
    version = output_of(programs["afxfw"], "--version")
    command = shlex.join([f"bench/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    return {"command": command, "version": version, "machine": machine(),
            "time": time.strftime("%FT%TZ", time.gmtime()), "schedule": schedule._asdict(),
            "results": []}


def write_document(document, directory, name):
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
