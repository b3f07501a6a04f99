"""What benchmarks of training share: a train job of ours over made-up customers beside fits of other
libraries, with the same rows, split, parameters and cores.

Runs follow one another: ours, then each peer, each a process of its own; and so on, --pairs times.
A ratio is that of ours to the best peer beside it; shown are medians. --rows of several numbers
takes each in turn and says how time and memory grow; `--peers` without names takes ours alone.

What is timed, of Quern, is stages of a train job with one worker of two slots, which is two threads
on the two cores that the others have (_quern_timings): `fit` is all rounds, in the first of which the
worker makes of its rows what it keeps; `with prepare` adds the pass before, which reads the file and
fits the preparation. Of the others `fit` is that of the library
alone, on rows in memory.

--memory runs each once more and samples the peak of private and shared memory of all processes
together. Peers start from a file of the training rows as they want them, not from CSV."""

import argparse
import dataclasses
import json
import os
import pickle
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

from bench import measure

SPEC = """
version: 1
name: bench
seed: 42
warehouse: bench.db
sources:
  customers: {{path: customers.csv, chunk_size: {chunk}}}
jobs:
  churn:
    kind: train
    from: customers
    label: churned
    key: customer_id
    split: {{method: hash, test: 0.2}}
    register: {{model: churn}}
    into: predictions
"""
CHUNK_BYTES = 20 << 20


@dataclasses.dataclass
class Kind:
    """One sort of model."""

    module: str  # "bench.boost"
    job: str  # lines of the train job, in which {option} stands for an option
    peers: dict[str, Callable]  # name: options -> (rows, labels -> (test rows -> scores))
    rows_of: Callable  # customers, is training -> {"train": (rows, labels), "test": ...} for peers
    add_options: Callable  # adds to a parser
    describe: Callable  # options -> what is fitted, in words
    inspect: Callable = lambda peer, folder: {}  # more to tell of a peer's fit, in its process


# --- ours ----------------------------------------------------------------------------------------


def generate(rows, path, seed=7):
    measure.run([os.environ["QUERN"], "generate", "churn", "--rows", str(rows), "--seed", str(seed),
                 "--out", path])


def write_spec(folder, job):
    """Of a train job's further lines. An even number of chunks, so that neither of two threads has
    more than the other."""
    size = os.path.getsize(f"{folder}/customers.csv")
    chunk = -(-size // max(2, 2 * round(size / 2 / CHUNK_BYTES))) + 1024
    with open(f"{folder}/quern.yaml", "w") as out:
        out.write(SPEC.format(chunk=chunk) + job)


def clear(folder):
    """No warehouse is there."""
    for name in os.listdir(folder):
        if name.startswith("bench.db"):
            os.remove(f"{folder}/{name}")


def run(folder, *more, memory=False):
    """What the job took, and its warehouse anew."""
    clear(folder)
    return measure.run([os.environ["QUERN"], "run", f"{folder}/quern.yaml", "--workers", "1",
                        "--slots", "2", "--quiet", "--full-refresh", *more], memory=memory)[1]


def quern(folder, options, memory=False):
    more = ["--memory", options.worker_memory] if options.worker_memory else []
    cost = run(folder, *more, memory=memory)
    with sqlite3.connect(f"{folder}/bench.db") as db:
        took = dict(db.execute("select name, seconds from _quern_timings"))
        auc = db.execute("select value from _quern_model_metrics where split = 'test' and "
                         "metric = 'roc_auc'").fetchone()[0]
    return cost | {"fit": took["round"], "with prepare": took["prepare"] + took["round"],
                   "auc": auc}


# --- the others ----------------------------------------------------------------------------------


def write_rows(kind, folder):
    """The rows as peers take them, split as our last run split them."""
    import pandas as pd

    with sqlite3.connect(f"{folder}/bench.db") as db:
        split = dict(db.execute("select customer_id, split from predictions"))
        artefact = db.execute("select artefact from _quern_models").fetchone()[0]
    with open(f"{folder}/model.json", "wb") as out:
        out.write(artefact if isinstance(artefact, bytes) else artefact.encode())
    rows = pd.read_csv(f"{folder}/customers.csv", keep_default_na=False, na_values=[""])
    train = (rows["customer_id"].map(split) == "train").to_numpy()
    for side, made in kind.rows_of(rows.drop(columns="customer_id"), train).items():
        with open(f"{folder}/{side}.pickle", "wb") as out:
            pickle.dump(made, out)


def serve(kind, name, folder, options):
    """One fit, in the process of a peer. The library is loaded before the clock starts."""
    fit = kind.peers[name](options)
    with open(f"{folder}/train.pickle", "rb") as file:
        rows, label = pickle.load(file)
    began = time.perf_counter()
    predict = fit(rows, label)
    result = {"fit": time.perf_counter() - began}
    if options.score:
        from sklearn.metrics import roc_auc_score

        with open(f"{folder}/test.pickle", "rb") as file:
            rows, label = pickle.load(file)
        result["auc"] = roc_auc_score(label, predict(rows))
        result |= kind.inspect(predict, folder)
    print(json.dumps(result))


def peer(kind, name, folder, score=False, memory=False):
    command = [sys.executable, "-m", kind.module, *sys.argv[1:], "--serve", name, folder]
    output, cost = measure.run(command + ["--score"] * score, memory=memory)
    return cost | json.loads(output)


def importable(name):
    try:
        __import__(name.split("-")[0])
    except ImportError:
        print(f"{name:12s} SKIPPED: this Python has none")
        return False
    return True


# --- all -----------------------------------------------------------------------------------------


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def show_ratios(ours, theirs):
    best = [min(runs[i]["fit"] for runs in theirs.values()) for i in range(len(ours))]
    for key in ("fit", "with prepare"):
        ratios = [run[key] / beside for run, beside in zip(ours, best)]
        print(f"{key + ' / best peer, of pairs':32s} {statistics.median(ratios):.2f} "
              f"({min(ratios):.2f} to {max(ratios):.2f})")


def show(ours, theirs, memory):
    mib = {name: f", memory {one['memory']:5.0f} MiB" for name, one in memory.items()}
    print(f"{'quern':12s} fit {median(ours, 'fit'):6.2f} s, with prepare "
          f"{median(ours, 'with prepare'):6.2f} s, whole run {median(ours, 'wall'):6.2f} s, "
          f"roc_auc {ours[0]['auc']:.5f}{mib.get('quern', '')}")
    for name, runs in theirs.items():
        told = "".join(f", {text}" for text in runs[0].get("told", []))
        print(f"{name:12s} fit {median(runs, 'fit'):6.2f} s, roc_auc {runs[0]['auc']:.5f}{told}"
              f"{mib.get(name, '')}")
    if theirs:
        show_ratios(ours, theirs)
    if theirs and memory:
        least = min(memory[name]["memory"] for name in theirs)
        print(f"{'memory / least of peers':32s} {memory['quern']['memory'] / least:.2f}")
    others = max(run["others"] for runs in [ours, *theirs.values()] for run in runs)
    print(f"others used {others:.2f} cores at most meanwhile", flush=True)


def compare(kind, folder, rows, options, peers):
    """Our median times and memory."""
    generate(rows, f"{folder}/customers.csv")
    write_spec(folder, kind.job.format(**vars(options)))
    quern(folder, options)
    if peers:
        write_rows(kind, folder)
    ours, theirs, memory = [], {name: [] for name in peers}, {}
    for pair in range(options.pairs):
        ours.append(quern(folder, options))
        for name in peers:
            theirs[name].append(peer(kind, name, folder, score=pair == 0))
    if options.memory:
        memory = {"quern": quern(folder, options, memory=True)}
        memory |= {name: peer(kind, name, folder, memory=True) for name in peers}
    print(f"{rows} rows, {kind.describe(options)}, two cores, {options.pairs} runs each")
    show(ours, theirs, memory)
    sizes = {key: median(ours, key) for key in ("fit", "with prepare", "wall")}
    return sizes | ({"memory": memory["quern"]["memory"]} if memory else {})


def show_growth(found):
    """What a million rows take, of few and of many."""
    for rows, sizes in found.items():
        a_million = {key: size / rows * 1e6 for key, size in sizes.items()}
        memory = f", memory {a_million['memory']:.0f} MiB" if "memory" in sizes else ""
        print(f"{rows:9d} rows, a million of them: fit {a_million['fit']:.2f} s, with prepare "
              f"{a_million['with prepare']:.2f} s, whole run {a_million['wall']:.2f} s{memory}")


def main(kind, about):
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000000])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--peers", nargs="*", choices=list(kind.peers), default=list(kind.peers))
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--worker-memory", help="--memory of quern run: what a worker may use")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)  # a peer, its folder
    parser.add_argument("--score", action="store_true", help=argparse.SUPPRESS)
    kind.add_options(parser)
    options = parser.parse_args()
    if options.serve:
        serve(kind, *options.serve, options)
        return
    os.environ |= {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    peers = [name for name in options.peers if importable(name)]
    found = {}
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            found[rows] = compare(kind, folder, rows, options, peers)
    if len(found) > 1:
        show_growth(found)
