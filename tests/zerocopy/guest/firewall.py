"""afxfw in the guest."""

import json
import shlex

READY_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30
_FILES = "/tmp/afxfw"


class Afxfw:
    """A running afxfw on eth0, started at once and ready on return.

    Its messages and totals are in files of the guest; its status is read by afxfwctl.
    """

    def __init__(self, guest, *options, queues):
        self._guest = guest
        self.command = shlex.join(map(str, [
            "afxfw", "--iface", "eth0", "--queues", queues, "--json", "--stats-interval", 0,
            *options]))
        done = guest.run(
            f"rm -f {_FILES}.*\n"
            f"(sh -c 'echo $$ >{_FILES}.pid; exec {self.command}' >{_FILES}.out 2>{_FILES}.err\n"
            f" echo $? >{_FILES}.code) &\n"
            f"for i in $(seq {READY_TIMEOUT_S * 20}); do\n"
            f"  grep -qw ready {_FILES}.err && exit 0\n"
            f"  [ -e {_FILES}.code ] && exit 1\n"
            "  usleep 50000\n"
            "done\n"
            "exit 2", check=False, timeout_s=2 * READY_TIMEOUT_S)
        assert done.code == 0, f"'{self.command}' did not start: {self.messages()}"

    def messages(self):
        return self._guest.run(f"cat {_FILES}.err").stdout

    def control(self, command):
        """What afxfwctl says."""
        return self._guest.run(f"afxfwctl {command}").stdout

    def status(self):
        return json.loads(self.control("status --json"))

    def wait_status(self, condition, what, timeout_s=20):
        """The first status that the condition holds for."""
        for _ in range(int(timeout_s / 0.1)):
            status = self.status()
            if condition(status):
                return status
            self._guest.run("usleep 100000")
        raise TimeoutError(f"not within {timeout_s} s: {what}; the last status: {status}\n"
                           f"{self.messages()}")

    def signal(self, name):
        self._guest.run(f"kill -{name} $(cat {_FILES}.pid)")

    def finish(self):
        """Stops it as a user would, expects exit code 0; returns the final totals."""
        done = self._guest.run(
            f"kill -INT $(cat {_FILES}.pid)\n"
            f"for i in $(seq {STOP_TIMEOUT_S * 20}); do\n"
            f"  [ -e {_FILES}.code ] && break\n"
            "  usleep 50000\n"
            "done\n"
            f"cat {_FILES}.code && tail -n1 {_FILES}.out", check=False)
        code, _, totals = done.stdout.partition("\n")
        assert (done.code, code) == (0, "0"), f"'{self.command}' ended so: {done}\n{self.messages()}"
        return json.loads(totals)

    def kill(self):
        """Ends it whatever it does, if it runs."""
        self._guest.run(f"[ -e {_FILES}.code ] && exit\n"
                        f"kill -KILL $(cat {_FILES}.pid)\n"
                        f"for i in $(seq 200); do [ -e {_FILES}.code ] && break; usleep 50000; done\n"
                        "afxfw --iface eth0 --detach", check=False)
