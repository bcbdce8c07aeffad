"""Records temporary files during the runs, with inotify: their paths, their modes, and whether they contain values."""
import contextlib
import ctypes
import os
import select
import struct
import threading

MODIFY, CLOSE_WRITE, MOVED_TO, CREATE, OVERFLOW, ISDIR = 0x2, 0x8, 0x80, 0x100, 0x4000, 0x40000000
PREFIX = ".stackref-"


class Watch:
    """Watches the `protected` folders, in which no run may write, and the folders that are added."""

    def __init__(self, contains_value, *protected):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.inotify = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        # Reasons why the record is incomplete.
        self.gaps = set() if self.inotify >= 0 else {last_error()}
        self.folders = {}
        self.protected = [str(folder) for folder in protected]
        self.protected_writes = []
        self.contains_value = contains_value
        # Temporary files, their modes at each event, and the files that contained values at some time.
        self.files, self.modes, self.with_values = set(), set(), set()
        self.stop = threading.Event()
        for folder in protected:
            self.add(folder)
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def add(self, folder):
        """Watches a folder and its subfolders."""
        number = self.libc.inotify_add_watch(self.inotify, os.fsencode(folder), CREATE | MODIFY | MOVED_TO | CLOSE_WRITE)
        if number >= 0:
            self.folders[number] = str(folder)
            try:
                for entry in os.scandir(folder):
                    if entry.is_dir(follow_symlinks=False) and entry.name != ".git":
                        self.add(entry.path)
                    else:
                        self._record(entry.path)
            except OSError:
                pass
        elif os.path.isdir(folder):
            self.gaps.add(last_error())

    def end(self):
        if not self.thread.is_alive():
            self.gaps.add("the watch stopped too early")
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
                    self.gaps.add("the event queue overflowed")
                if mask & ISDIR and mask & CREATE:
                    self.add(path)
                elif not mask & ISDIR:
                    self._record(path)

    def _record(self, path):
        if any(path.startswith(folder + "/") for folder in self.protected):
            self.protected_writes.append(path)
        if any(part.startswith(PREFIX) for part in path.split(os.sep)):
            self.files.add(path)
            with contextlib.suppress(OSError), open(path, "rb") as file:
                # A file in a private folder is private, with any mode of its own.
                bits = 0o777 if os.stat(os.path.dirname(path)).st_mode & 0o077 else 0o700
                self.modes.add((path, os.fstat(file.fileno()).st_mode & bits))
                if self.contains_value(file.read()):
                    self.with_values.add(path)


def last_error():
    return os.strerror(ctypes.get_errno())
