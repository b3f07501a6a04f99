"""Where the CPU time of a workload goes: perf samples of all our processes, by room and function.

A function's room is that of the file which defines it, found in the libraries the build left beside
the program. What is inlined counts for the function that it is in."""

import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

FUNCTIONS = 8  # shown a workload
SAMPLES_PER_SECOND = 1999


def _rooms(build, root):
    """{function: {file that defines it}}, from the object files' own symbols."""
    files = defaultdict(set)
    for path in root.glob("**/*.c"):
        place = path.relative_to(root)
        if place.parts[0] in ("common", "jobs", "worker", "coordinator", "cli"):
            files[path.name].add(str(place))
    libraries = [*build.glob("libqn_*.a"), *build.glob("CMakeFiles/quern.dir/**/*.o")]
    symbols = subprocess.run(["nm", "-A", "--defined-only", *libraries], text=True,
                             capture_output=True, check=True).stdout
    found = defaultdict(set)
    for line in symbols.splitlines():
        place, _, rest = line.rpartition(":")
        words = rest.split()
        if len(words) != 3 or words[1] not in "tT":
            continue
        name = words[2]
        room = re.search(r"libqn_(\w+)\.a", place)
        for file in files[Path(place.split(":")[-1]).name.removesuffix(".o")]:
            if not room or room[1] in file.split("/"):
                found[name].add(file)
    return found


def _room_of(file):
    parts = file.split("/")
    return "/".join(parts[:2]) if parts[0] in ("common", "jobs") and len(parts) > 2 else parts[0]


def _place(dso, symbol, rooms):
    """(room, function) of a sample."""
    name = re.sub(r"\.(isra|part|constprop|cold|lto_priv)\b.*", "", symbol)
    files = rooms.get(name, set()) if "quern" in dso else set()
    owners = {_room_of(file) for file in files}
    if len(owners) == 1:
        room = owners.pop()
        return room, f"`{name}` ({min(files) if len(files) == 1 else room})"
    if "kernel" in dso:
        return "kernel", f"`{name}` (kernel)"
    library = re.match(r"(?:lib)?([A-Za-z]+)", Path(dso).name)
    room = "quern, unknown room" if "quern" in dso else library[1] if library else dso
    return room, f"`{name}` ({room})"


def _samples(command, env, cwd, record):
    """[(share, dso, symbol)] of a command and its children."""
    subprocess.run(["perf", "record", "-q", "-F", str(SAMPLES_PER_SECOND), "-e", "cpu-clock",
                    "-o", str(record), "--", *command], env=env, cwd=cwd, check=True,
                   stdout=subprocess.DEVNULL)
    report = subprocess.run(["perf", "report", "-i", str(record), "--stdio", "-q", "--sort",
                             "dso,symbol", "-t", ";"], text=True, capture_output=True, check=True)
    for line in report.stdout.splitlines():
        parts = [part.strip() for part in line.split(";")]
        if len(parts) >= 3 and parts[0].endswith("%"):
            yield float(parts[0][:-1]), parts[1], parts[2].split("] ")[-1]


def profile(command, env, cwd, record, quern):
    """({room: share}, [(function, share)]) with shares in percent."""
    if not shutil.which("perf"):
        raise SystemExit("--profile needs perf (apt-get install linux-perf)")
    rooms = _rooms(Path(quern).resolve().parent, Path(cwd))
    by_room, by_function = defaultdict(float), defaultdict(float)
    for share, dso, symbol in _samples(command, env, cwd, record):
        room, function = _place(dso, symbol, rooms)
        by_room[room] += share
        by_function[function] += share
    ranked = sorted(by_function.items(), key=lambda item: -item[1])
    if not by_room:
        raise SystemExit("perf took no samples, or its report has another form than expected")
    return dict(sorted(by_room.items(), key=lambda item: -item[1])), ranked[:FUNCTIONS]


def render(profiles):
    """{workload: (rooms, functions)} as a Markdown table."""
    lines = ["| workload | rooms | functions |", "|---|---|---|"]
    for workload, (rooms, functions) in profiles.items():
        by_room = ", ".join(f"{r} {s:.0f} %" for r, s in rooms.items() if s >= 1)
        by_function = ", ".join(f"{f} {s:.0f} %" for f, s in functions if s >= 1)
        lines.append(f"| {workload} | {by_room} | {by_function} |")
    return "\n".join(lines)
