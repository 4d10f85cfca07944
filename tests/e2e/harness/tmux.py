"""A terminal of one's own: a program driven in tmux, and its screen."""

import os
import shlex
import subprocess

from .wait import wait_until

TIMEOUT_S = 20


class Tmux:
    """A terminal of 80x24 with a shell, to be used in a "with" statement."""

    def __init__(self, name, columns=80, rows=24):
        self._server = ["tmux", "-L", f"{name}-{os.getpid()}", "-f", "/dev/null"]
        self._run("new-session", "-d", "-x", columns, "-y", rows, "env", "PS1=$ ", "TERM=screen",
                  "bash", "--norc", "--noprofile", "-i")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._run("kill-server", check=False)

    def _run(self, *arguments, check=True):
        done = subprocess.run([*self._server, *map(str, arguments)], text=True, check=False,
                              capture_output=True, timeout=TIMEOUT_S)
        assert not check or done.returncode == 0, f"tmux {arguments}: {done.stderr}"
        return done.stdout

    def type(self, *keys):
        """Keys by tmux's names, such as "q", "Right" or "C-c"."""
        self._run("send-keys", *keys)

    def start(self, *command):
        """As typed into the shell, which then says how it ended."""
        words = " ".join(shlex.quote(str(word)) for word in command)
        self._run("send-keys", "-l", f"{words}; echo code=$?")
        self.type("Enter")

    def resize(self, columns, rows):
        self._run("resize-window", "-x", columns, "-y", rows)

    @property
    def screen(self):
        return self._run("capture-pane", "-p")

    def wait(self, condition, what, timeout_s=15.0):
        """Until the condition holds for the screen; returns that screen."""
        def check():
            screen = self.screen
            return screen if condition(screen) else None
        try:
            return wait_until(check, what, timeout_s)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; the screen:\n{self.screen}") from None

    @property
    def in_full_screen(self):
        """Whether the alternate screen is shown."""
        return self._run("display-message", "-p", "#{alternate_on}").strip() == "1"
