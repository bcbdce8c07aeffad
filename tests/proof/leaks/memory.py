"""Searches the memory of the program at its exit. ptrace stops it there, and all writable regions are read."""
import ctypes
import os
import signal

PTRACE_TRACEME, PTRACE_CONT, PTRACE_SETOPTIONS = 0, 7, 0x4200
EXITKILL, TRACECLONE, TRACEEXIT = 0x100000, 0x8, 0x40
EVENT_CLONE, EVENT_EXIT = 3, 6
WALL = 0x40000000


class NotPermitted(Exception):
    """The system does not permit reading the memory."""


def at_exit(command, cwd, env, stdin, visit):
    """Runs a program, and calls `visit(kind, bytes)` for each region of its memory at its exit. Returns its exit code.

    The kinds: `heap`, `stack`, `arguments and environment`, `data` (variables of the program and its libraries).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    source, sink = os.open(stdin, os.O_RDONLY), os.open(os.devnull, os.O_RDWR)
    child = os.fork()
    if child == 0:
        try:
            libc.ptrace(PTRACE_TRACEME, 0, None, None)
            for number, target in enumerate([source, sink, sink]):
                os.dup2(target, number)
            os.chdir(cwd)
            os.execve(command[0], command, env)
        finally:
            os._exit(127)
    os.close(source)
    os.close(sink)
    _, status = os.waitpid(child, 0)
    if not os.WIFSTOPPED(status):
        raise NotPermitted("programs cannot be traced here")
    libc.ptrace(PTRACE_SETOPTIONS, child, None, EXITKILL | TRACECLONE | TRACEEXIT)
    libc.ptrace(PTRACE_CONT, child, None, None)
    refused = None
    while True:
        pid, status = os.waitpid(-1, WALL)
        if not os.WIFSTOPPED(status):
            if pid == child:
                break
            continue
        event, caught = status >> 16, os.WSTOPSIG(status)
        if pid == child and event == EVENT_EXIT:
            try:
                visit_memory(child, visit)
            except OSError as error:
                refused = error
        # Signals of the program are delivered; stops by ptrace are not.
        deliver = 0 if event or caught in (signal.SIGTRAP, signal.SIGSTOP) else caught
        libc.ptrace(PTRACE_CONT, pid, None, deliver)
    if refused:
        raise NotPermitted(str(refused))
    return os.waitstatus_to_exitcode(status)


def visit_memory(pid, visit):
    with open(f"/proc/{pid}/stat", "rb") as stat:
        fields = stat.read().rsplit(b")", 1)[1].split()
    # Of `proc(5)`: arg_start and env_end, counted from the field after the name.
    arguments = int(fields[45]), int(fields[48])
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            columns = line.split()
            start, end = (int(part, 16) for part in columns[0].split("-"))
            name = columns[5] if len(columns) > 5 else ""
            if not columns[1].startswith("rw") or name in ("[vvar]", "[vsyscall]"):
                continue
            memory.seek(start)
            data = memory.read(end - start)
            if start <= arguments[0] < end:
                first, last = arguments[0] - start, arguments[1] - start
                visit("arguments and environment", data[first:last])
                data = data[:first] + data[last:]
            kind = "stack" if "stack" in name else "heap" if name in ("", "[heap]") else "data"
            visit(kind, data)
