"""Stops a process for a while, so that a test can act at one moment of it."""
import contextlib
import pathlib
import signal
import time

TIMEOUT = 30


@contextlib.contextmanager
def stopped(process):
    """Stops a process during the block. Does nothing to a process that has exited."""
    process.send_signal(signal.SIGSTOP)
    try:
        deadline = time.monotonic() + TIMEOUT
        while not is_stopped(process):
            if time.monotonic() > deadline:
                raise RuntimeError(f"a process does not stop within {TIMEOUT} s")
            time.sleep(0.001)
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def is_stopped(process):
    """Returns whether a process has exited, or all its threads are stopped."""
    if process.poll() is not None:
        return True
    try:
        threads = list(pathlib.Path(f"/proc/{process.pid}/task").iterdir())
        return all((thread / "stat").read_text().rpartition(")")[2].split()[0] in "TZX" for thread in threads)
    except (FileNotFoundError, ProcessLookupError):
        return False
