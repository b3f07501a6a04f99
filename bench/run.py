"""Runs the workloads through `quern run` and through every peer, compares answers and times.

    python3 -m bench.run --quern build/quern [--peers PYTHON]... [--only W1,W2] [--engines duckdb]
                         [--rows N] [--runs N] [--data DIR] [--readme]

Every route runs once, and its answer is compared with ours. Of each engine the best route goes on,
when it came within twice the best of all: it is run again in rounds, ours, then each of them, so
that a ratio is always of two runs side by side. Memory is sampled in a run of its own. Results are kept per workload and engine in DIR, so
that pieces add up; --readme puts the table of all of them into bench/README.md."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from bench import jsonl_of_csv, measure, profile, table
from bench.peers.common import CODECS

ROOT = Path(__file__).resolve().parent.parent
PEERS = ["duckdb", "polars", "pyarrow", "pandas", "dask", "spark", "sklearn", "sqlite3"]
SEED = 7
DISTURBED = 0.25  # cores that others used during a run: more than the kernel does for us
NEAR = 2.0  # engines slower than this many times the best are not run again

# Workload: the question it asks, and its inputs by the name of the spec's parameter.
WORKLOADS = {
    "W1": ("W1", {"events": "events"}),
    "W1-jsonl": ("W1", {"events": "lines"}),
    "W1-parquet": ("W1", {"events": "duckdb.parquet"}),
    "W1-parquet-own": ("W1", {"events": "quern.parquet"}),
    "W2": ("W2", {"events": "events"}),
    "W2-parquet": ("W2", {"events": "duckdb.parquet"}),
    "W2-parquet-own": ("W2", {"events": "quern.parquet"}),
    "W3": ("W3", {"customers": "customers"}),
    "W6": ("W6", {"customers": "small"}),
    "W7": ("W7", {"events": "events", "customers": "customers"}),
    "convert": ("convert", {"events": "events"}),
    "convert-zstd": ("convert-zstd", {"events": "events"}),
    "keys": ("keys", {"events": "keys"}),
}


def say(text):
    print(text, file=sys.stderr, flush=True)


def inputs_of(rows):
    """Name: table, rows, customers."""
    customers = max(rows // 20, 1)
    return {
        "events": ("events", rows, customers),
        "customers": ("churn", customers, customers),
        "small": ("churn", 1000, 1000),
        "keys": ("events", rows * 5 // 2, rows // 2),
    }


class Bench:
    def __init__(self, options):
        self.options = options
        self.quern = str(Path(options.quern).resolve())
        self.data = Path(options.data).expanduser().resolve()
        self.out = self.data / "out"
        self.env = {**os.environ, "POLARS_MAX_THREADS": "2", "OMP_NUM_THREADS": "2",
                    "OPENBLAS_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
        self.engines = {}  # "duckdb 2.0.1": (python, peer, routes, formats it reads)
        self.missing = []

    def find_engines(self):
        for peer in self.options.engines or PEERS:
            found = False
            for python in self.options.peers:
                try:
                    output, _ = measure.run([python, "-m", f"bench.peers.{peer}", "list"],
                                            self.env, ROOT)
                except (measure.Failed, OSError) as problem:
                    say(f"*** {peer} is missing in {python}: {str(problem).splitlines()[-1]}")
                    continue
                about = json.loads(output)
                found = True
                self.engines.setdefault(f"{peer} {about['version']}",
                                        (python, peer, about["routes"], about["reads"]))
            if not found:
                self.missing.append(peer)

    def input(self, name):
        """The path of an input, made when it is not there yet; None: by an engine that is missing."""
        made_of_events = {"lines": self.lines_of, "duckdb.parquet": self.parquet_by_duckdb,
                          "quern.parquet": self.parquet_by_quern}
        if name in made_of_events:
            events = self.input("events")
            suffix = "jsonl" if name == "lines" else name
            return self.once(events.with_suffix(f".{suffix}"),
                             lambda part: made_of_events[name](events, part))
        kind, rows, customers = inputs_of(self.options.rows)[name]
        return self.once(
            self.data / f"{kind}-{rows}-{customers}-{SEED}.csv",
            lambda part: subprocess.run(
                [self.quern, "generate", kind, "--rows", str(rows), "--seed", str(SEED),
                 "--customers", str(customers), "--out", str(part)], check=True))

    def once(self, path, make):
        """The path, made under another name first; None when it cannot be made."""
        if path.exists():
            return path
        say(f"making {path}")
        part = path.with_suffix(".part")
        if make(part) is False:
            return None
        part.rename(path)
        return path

    def lines_of(self, events, out):
        jsonl_of_csv.main(events, out)

    def parquet_by_duckdb(self, events, out):
        """As it writes files when nothing is said, snappy; false: it is missing."""
        for python, peer, _, _ in self.engines.values():
            if peer == "duckdb":
                measure.run([python, "-m", "bench.peers.duckdb", "run", "convert", "snappy.parquet",
                             json.dumps({"events": str(events)}), str(out)], self.env, ROOT)
                return True
        return False

    def parquet_by_quern(self, events, out):
        measure.run(self.convert_command("convert", events, out), self.env, ROOT)

    def warm(self, path):
        with open(path, "rb", buffering=0) as file:
            while file.read(1 << 22):
                pass

    def answer(self, workload):
        """Where our answer goes."""
        suffix = "parquet" if WORKLOADS[workload][0] in CODECS else "db"
        return self.out / f"{workload}.{suffix}"

    def convert_command(self, question, events, out):
        return [self.quern, "convert", str(events), str(out), "--to", "parquet", "--codec",
                CODECS[question], "--workers", "2", "--quiet", "--state", str(self.out / "state")]

    def quern_command(self, workload, paths):
        """Our run of a workload, with nothing left of an earlier one."""
        question, out = WORKLOADS[workload][0], self.answer(workload)
        for stale in self.out.glob(f"{out.name}*"):
            stale.unlink()
        shutil.rmtree(self.out / "state", ignore_errors=True)
        if question in CODECS:
            return self.convert_command(question, paths["events"], out)
        command = [self.quern, "run", str(ROOT / "bench/workloads" / f"{question.lower()}.yaml"),
                   "--workers", "2", "--quiet", "--warehouse", str(out),
                   "--state", str(self.out / "state")]
        for name, path in paths.items():
            command += ["--set", f"{name}={path}"]
        return command

    def run_quern(self, workload, paths, memory=False):
        _, cost = measure.run(self.quern_command(workload, paths), self.env, ROOT, memory)
        return self.with_bytes(workload, self.answer(workload), cost)

    def with_bytes(self, workload, out, cost):
        """Where the file is what was asked for, its size belongs to the cost."""
        if WORKLOADS[workload][0] in CODECS:
            cost["bytes"] = sum(f.stat().st_size for f in [out, *out.glob("*")] if f.is_file())
        return cost

    def run_peer(self, engine, workload, route, paths, memory=False):
        python, peer, _, _ = self.engines[engine]
        suffix = route.rsplit(".", 1)[-1]
        out = self.out / f"{workload}-{peer}.{suffix}"
        shutil.rmtree(out) if out.is_dir() else out.unlink(missing_ok=True)
        command = [python, "-m", f"bench.peers.{peer}", "run", WORKLOADS[workload][0], route,
                   json.dumps(paths), str(out)]
        output, cost = measure.run(command, self.env, ROOT, memory)
        cost["inside"] = json.loads(output.splitlines()[-1])["seconds"]
        return self.with_bytes(workload, out, cost), out

    def check(self, workload, out):
        """Compared by the first Python that peers run in: it may need their Parquet reader."""
        question, ours = WORKLOADS[workload][0], self.answer(workload)
        done = subprocess.run([self.options.peers[0], "-m", "bench.answers", question, str(ours),
                               str(out)], cwd=ROOT, text=True, capture_output=True)
        if done.returncode:
            raise measure.Failed(f"answers differ: {done.stdout}{done.stderr}")

    def first_runs(self, workload, paths):
        """Every route once: [(engine, route, cost)] of those that agree, and who failed."""
        fine, failures = [], {}
        question = WORKLOADS[workload][0]
        formats = {path.rsplit(".", 1)[-1] for path in paths.values()}
        for engine, (_, _, routes, reads) in self.engines.items():
            for route in [r for q, r in routes if q == question and formats <= set(reads)]:
                try:
                    cost, out = self.run_peer(engine, workload, route, paths)
                    self.check(workload, out)
                except measure.Failed as problem:
                    say(f"*** {workload} {engine} {route}: {str(problem)[-400:]}")
                    failures[engine] = str(problem).strip().splitlines()[-1][:120]
                    continue
                say(f"    {workload} {engine} {route}: {cost['wall']:.2f} s, agrees")
                fine.append((engine, route, cost))
        return fine, failures

    def rounds(self, workload, paths, routes, first):
        """{route: [(ours, theirs)]} of runs side by side; the first is the one already made."""
        best = min((cost["wall"] for _, _, cost in routes), default=0)
        pairs = {(engine, route): [(first, cost)] for engine, route, cost in routes}
        own_best = {}
        for engine, route, cost in sorted(routes, key=lambda r: -r[2]["wall"]):
            own_best[engine] = (route, cost["wall"])
        near = [(e, r) for e, (r, wall) in own_best.items() if wall <= NEAR * best]
        for _ in range(self.options.runs):
            ours = self.run_quern(workload, paths)
            first = ours
            for engine, route in near:
                theirs, _ = self.run_peer(engine, workload, route, paths)
                pairs[engine, route].append((ours, theirs))
        for key in near:  # the first run only chose the route
            pairs[key] = pairs[key][1:] or pairs[key]
        return {(e, r): pairs[e, r] for e, (r, _) in own_best.items()}

    def inputs(self, workload):
        """{name: path}, read once; None: one of them cannot be made."""
        paths = {name: self.input(file) for name, file in WORKLOADS[workload][1].items()}
        if None in paths.values():
            return None
        for path in paths.values():
            self.warm(path)
        return {name: str(path) for name, path in paths.items()}

    def profile(self, workload):
        paths = self.inputs(workload)
        if not paths:
            raise SystemExit(f"{workload}: its input is made by DuckDB, which is missing")
        command = self.quern_command(workload, paths)
        return profile.profile(command, self.env, ROOT, self.out / "perf.data", self.quern)

    def run(self, workload):
        """The costs of all who answer it; None when its input cannot be made."""
        paths = self.inputs(workload)
        if not paths:
            return None
        self.run_quern(workload, paths)
        ours = [self.run_quern(workload, paths)]
        say(f"    {workload} quern: {ours[0]['wall']:.2f} s")
        routes, failures = self.first_runs(workload, paths)
        pairs = self.rounds(workload, paths, routes, ours[0])
        if not routes:
            ours += [self.run_quern(workload, paths) for _ in range(self.options.runs - 1)]
        ours += [a for runs in pairs.values() for a, _ in runs]
        peers = {}
        for (engine, route), runs in pairs.items():
            line = summary([b for _, b in runs])
            line |= {"route": route, "ratio": middle([a["wall"] / b["wall"] for a, b in runs])}
            peers[engine] = line
        for engine, line in peers.items():
            cost, _ = self.run_peer(engine, workload, line["route"], paths, memory=True)
            line |= {"memory": cost["memory"], "pss": cost["pss"]}
        memory = self.run_quern(workload, paths, memory=True)
        quern = summary(ours) | {"memory": memory["memory"], "pss": memory["pss"]}
        return {"rows": inputs_of(self.options.rows), "quern": quern, "peers": peers,
                "failed": failures}


def middle(values):
    return statistics.median(values)


def summary(costs):
    keys = [k for k in ("wall", "cpu", "inside", "bytes") if k in costs[0]]
    line = {k: middle([c[k] for c in costs]) for k in keys}
    disturbed = sum(c["others"] > DISTURBED for c in costs)
    return line | {"runs": len(costs), "disturbed": disturbed}


def machine(quern):
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if "model name" in line), "?")
    with open("/proc/meminfo") as file:
        memory = int(next(file).split()[1]) // (1 << 20)
    about = subprocess.run([quern, "version"], capture_output=True, text=True, check=True)
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True,
                            capture_output=True)
    return {"cpu": model, "cores": os.cpu_count(), "memory_gib": memory,
            "kernel": os.uname().release, "quern": about.stdout.strip().splitlines()[0],
            "commit": commit.stdout.strip()}


def keep(path, workload, result, about):
    """Adds one workload's result to those kept; engines that were not asked stay."""
    kept = json.loads(path.read_text()) if path.exists() else {"workloads": {}}
    before = kept["workloads"].get(workload, {})
    if before.get("rows") == json.loads(json.dumps(result["rows"])):
        result["peers"] = before["peers"] | result["peers"]
        old = {e: why for e, why in before["failed"].items() if e not in result["peers"]}
        result["failed"] = old | result["failed"]
    kept["machine"] = about
    kept["workloads"][workload] = result
    path.write_text(json.dumps(kept, indent=1))
    return kept


def options():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.split("\n\n")[0])
    parser.add_argument("--quern", default="build/quern", help=argparse.SUPPRESS)
    parser.add_argument("--peers", action="append", metavar="PYTHON", default=[],
                        help="a Python that has peers; may be given again ($QUERN_BENCH_PEERS, "
                             "separated by colons)")
    parser.add_argument("--only", type=lambda s: s.split(","), default=list(WORKLOADS),
                        metavar="W1,W2", help=f"of {', '.join(WORKLOADS)}")
    parser.add_argument("--engines", type=lambda s: [e for e in s.split(",") if e], default=None,
                        metavar="E,E", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--rows", type=int, default=20_000_000, help="events (20 million)")
    parser.add_argument("--runs", type=int, default=3, help="rounds of paired runs (3)")
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    parser.add_argument("--data", default=f"{cache}/quern-bench", help="scratch folder")
    parser.add_argument("--profile", action="store_true",
                        help="instead of times: where ours goes, by perf")
    parser.add_argument("--readme", action="store_true",
                        help="put the table of all results into bench/README.md")
    given = parser.parse_args()
    for name in given.only:
        if name not in WORKLOADS:
            parser.error(f"no workload {name}: expected some of {', '.join(WORKLOADS)}")
    for name in given.engines or []:
        if name not in PEERS:
            parser.error(f"no engine {name}: expected some of {', '.join(PEERS)}")
    named = os.environ.get("QUERN_BENCH_PEERS", "")
    given.peers = given.peers or [p for p in named.split(":") if p] or [sys.executable]
    return given


def main():
    given = options()
    bench = Bench(given)
    bench.out.mkdir(parents=True, exist_ok=True)
    if given.profile:
        bench.find_engines()
        text = profile.render({workload: bench.profile(workload) for workload in given.only})
        print(text)
        if given.readme:
            table.insert(ROOT / "bench/README.md", "profile", text)
        return 0
    results = bench.data / "results.json"
    bench.find_engines()
    kept, failed = None, False
    for workload in given.only:
        result = bench.run(workload)
        if not result:
            bench.missing.append(f"duckdb, whose file {workload} reads")
            continue
        failed |= bool(result["failed"])
        kept = keep(results, workload, result, machine(bench.quern))
    if kept:
        print(table.render(kept, given.only))
    if bench.missing:
        print(f"missing, and so not compared: {', '.join(bench.missing)}")
    if given.readme and kept:
        table.insert(ROOT / "bench/README.md", "table", table.render(kept))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
