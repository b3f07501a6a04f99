"""One command measured from outside: wall time, CPU time, and the memory of all its processes."""

import contextlib
import ctypes
import os
import subprocess
import threading
import time

SAMPLE_SECONDS = 0.01
ORPHAN_SECONDS = 10  # how long processes may outlive the command that started them

# Processes whose parent has gone become our children, so that their CPU time counts, too.
PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Failed(Exception):
    """A command that did not end well; its text is the end of what it said."""


def _family(root):
    """A process and all that descend from it."""
    found, rest = [], [root]
    while rest:
        pid = rest.pop()
        found.append(pid)
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as file:
                    rest += map(int, file.read().split())
    return found


def _kilobytes(pid):
    """What a process costs: its own and its share of shared memory; and its whole share (PSS),
    which also holds pages of files, dropped by the kernel when it needs room."""
    own = share = 0
    with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name in ("Pss_Anon", "Pss_Shmem"):
                own += int(value.split()[0])
            elif name == "Pss":
                share = int(value.split()[0])
    return own, share


class _Sampler(threading.Thread):
    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.own, self.share, self.done = pid, 0, 0, threading.Event()

    def run(self):
        while not self.done.wait(SAMPLE_SECONDS):
            sizes = [_kilobytes(pid) for pid in _family(self.pid)]
            self.own = max(self.own, sum(own for own, _ in sizes))
            self.share = max(self.share, sum(share for _, share in sizes))


def _machine_busy():
    """CPU seconds that all processes of the machine have used so far."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq = map(int, file.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _orphans():
    """CPU seconds of processes that outlived the command (a JVM does)."""
    cpu, end = 0.0, time.monotonic() + ORPHAN_SECONDS
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < end:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
            cpu += usage.ru_utime + usage.ru_stime if pid else 0
            if not pid:
                time.sleep(SAMPLE_SECONDS)
    return cpu


def run(command, env=None, cwd=None, memory=False):
    """Runs a command and gives (its standard output, {wall, cpu} in seconds, and how many cores
    others used meanwhile). With `memory` the processes are sampled, which slows them down: peaks
    in MiB, and times not to be believed."""
    started, busy = time.perf_counter(), _machine_busy()
    process = subprocess.Popen(command, env=env, cwd=cwd, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    sampler = _Sampler(process.pid)
    if memory:
        sampler.start()
    errors = []
    reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))
    reader.start()
    output = process.stdout.read()
    reader.join()
    _, status, usage = os.wait4(process.pid, 0)
    wall, busy = time.perf_counter() - started, _machine_busy() - busy
    process.returncode = os.waitstatus_to_exitcode(status)
    if memory:
        sampler.done.set()
        sampler.join()
    if process.returncode:
        raise Failed(f"{' '.join(command)}: exit {process.returncode}\n{errors[0][-1500:]}")
    cost = {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime + _orphans()}
    cost["others"] = max(0.0, busy - cost["cpu"]) / wall
    if memory:
        cost |= {"memory": sampler.own / 1024, "pss": sampler.share / 1024}
    return output, cost
