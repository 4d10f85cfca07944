"""What the processors of the machine do, and what machine it is."""

import os
import platform
from pathlib import Path

STATES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
AT_REST = ("idle", "iowait", "steal")  # steal: the hypervisor ran somebody else
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds():
    """What each CPU has spent in each state since the boot: {cpu: {state: seconds}}."""
    times = {}
    with open("/proc/stat", encoding="ascii") as stat:
        for line in stat:
            name, *ticks = line.split()
            if name.startswith("cpu") and name != "cpu":
                times[int(name[3:])] = {state: int(value) / TICKS_A_SECOND
                                        for state, value in zip(STATES, ticks)}
    return times


def difference(before, after):
    return {cpu: {state: after[cpu][state] - before[cpu][state] for state in STATES}
            for cpu in after}


def busy_share(times):
    """Of all these CPUs' time, what was not idle."""
    seconds = [(state, spent) for states in times.values() for state, spent in states.items()]
    total = sum(spent for _, spent in seconds)
    return sum(spent for state, spent in seconds if state not in AT_REST) / total if total else 0


def shares(states):
    """What one CPU did of its time: {state: share}."""
    total = sum(states.values())
    return {state: spent / total if total else 0 for state, spent in states.items()}


def _first_value(path, name):
    try:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                if line.startswith(name):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return ""


def machine():
    """The machine, as far as it matters to packet rates."""
    caches = {}
    for cache in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if (cache / "type").read_text(encoding="ascii").strip() != "Instruction":
            level = (cache / "level").read_text(encoding="ascii").strip()
            caches["L" + level] = (cache / "size").read_text(encoding="ascii").strip()
    return {
        "kernel": platform.release(),
        "cpu": _first_value("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": os.cpu_count(),
        "caches": caches,
        "memory_mib": int((_first_value("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) // 1024,
        "virtual": " hypervisor" in _first_value("/proc/cpuinfo", "flags"),
        "load_average": os.getloadavg()[0],
    }


def machine_text(described):
    caches = ", ".join(f"{name} {size}" for name, size in described["caches"].items())
    return (f"{described['cpu']}, {described['cores']} cores"
            f"{' of a virtual machine' if described['virtual'] else ''}"
            f"{f' ({caches})' if caches else ''}, {described['memory_mib'] / 1024:.0f} GiB, "
            f"Linux {described['kernel']}")
