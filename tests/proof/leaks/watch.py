"""What happens to files while runs go on, by inotify: which temporary files come and go, with which mode, and what is in them."""
import contextlib
import ctypes
import os
import select
import struct
import threading

MODIFY, CLOSE_WRITE, MOVED_TO, CREATE, OVERFLOW, ISDIR = 0x2, 0x8, 0x80, 0x100, 0x4000, 0x40000000
PREFIX = ".stackref-"


class Watch:
    """Watches a home and a place for temporary files, which nothing may be written to, and the folders that are added."""

    def __init__(self, holds_value, *untouched):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.inotify = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        # Why not everything was seen.
        self.blind = set() if self.inotify >= 0 else {reason()}
        self.folders = {}
        self.untouched = [str(folder) for folder in untouched]
        self.touched = []
        self.holds_value = holds_value
        # Temporary files, the modes with which each was seen, and those that held values at some time.
        self.files, self.modes, self.holding = set(), set(), set()
        self.stop = threading.Event()
        for folder in untouched:
            self.add(folder)
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def add(self, folder):
        """Watches a folder and those below it."""
        number = self.libc.inotify_add_watch(self.inotify, os.fsencode(folder), CREATE | MODIFY | MOVED_TO | CLOSE_WRITE)
        if number >= 0:
            self.folders[number] = str(folder)
            try:
                for entry in os.scandir(folder):
                    if entry.is_dir(follow_symlinks=False) and entry.name != ".git":
                        self.add(entry.path)
                    else:
                        self._saw(entry.path)
            except OSError:
                pass
        elif os.path.isdir(folder):
            self.blind.add(reason())

    def end(self):
        if not self.thread.is_alive():
            self.blind.add("the watch ended too early")
        self.stop.set()
        self.thread.join()

    def _listen(self):
        while True:
            if not select.select([self.inotify], [], [], 0.1)[0]:
                if self.stop.is_set():
                    return
                continue
            data = os.read(self.inotify, 1 << 16)
            at = 0
            while at < len(data):
                number, mask, _, length = struct.unpack_from("iIII", data, at)
                name = os.fsdecode(data[at + 16 : at + 16 + length].rstrip(b"\0"))
                at += 16 + length
                path = os.path.join(self.folders.get(number, ""), name)
                if mask & OVERFLOW:
                    self.blind.add("too much happened at once")
                if mask & ISDIR and mask & CREATE:
                    self.add(path)
                elif not mask & ISDIR:
                    self._saw(path)

    def _saw(self, path):
        if any(path.startswith(folder + "/") for folder in self.untouched):
            self.touched.append(path)
        if any(part.startswith(PREFIX) for part in path.split(os.sep)):
            self.files.add(path)
            with contextlib.suppress(OSError), open(path, "rb") as file:
                # A file in a private folder is private, whatever its own mode is.
                bits = 0o777 if os.stat(os.path.dirname(path)).st_mode & 0o077 else 0o700
                self.modes.add((path, os.fstat(file.fileno()).st_mode & bits))
                if self.holds_value(file.read()):
                    self.holding.add(path)


def reason():
    return os.strerror(ctypes.get_errno())
