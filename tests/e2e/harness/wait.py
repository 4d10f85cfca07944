"""Waiting for something to happen, always with a limit."""

import time

POLL_S = 0.02


def wait_until(condition, what, timeout_s=10.0):
    """Returns the first true value of condition(); fails with `what` if there is none in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s:g} s: {what}")
        time.sleep(POLL_S)
