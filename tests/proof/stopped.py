"""A process that stands still for a while, so that something can be done at one moment of it."""
import contextlib
import pathlib
import signal
import time

LONGEST = 30


@contextlib.contextmanager
def stopped(process):
    """Stops a process as long as the block runs; one that has ended is left as it is."""
    process.send_signal(signal.SIGSTOP)
    try:
        until = time.monotonic() + LONGEST
        while not stands_still(process):
            if time.monotonic() > until:
                raise RuntimeError(f"a process does not stop within {LONGEST} s")
            time.sleep(0.001)
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def stands_still(process):
    """Whether a process is stopped, all its threads, or has ended."""
    if process.poll() is not None:
        return True
    try:
        threads = list(pathlib.Path(f"/proc/{process.pid}/task").iterdir())
        return all((thread / "stat").read_text().rpartition(")")[2].split()[0] in "TZX" for thread in threads)
    except (FileNotFoundError, ProcessLookupError):
        return False
