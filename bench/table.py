"""Results as Markdown, and texts put between the markers of a page."""

import re

HEAD = """| workload | engine | route | wall s | Quern / it | inside s | CPU s | memory MiB | PSS MiB | file MB | runs |
|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"""


def _seconds(value):
    return "" if value is None else f"{value:.3f}" if value < 1 else f"{value:.2f}"


def _runs(result):
    disturbed = result["disturbed"]
    return f"{result['runs']} ({disturbed} disturbed)" if disturbed else str(result["runs"])


def _line(workload, engine, result):
    ratio = f"{result['ratio']:.2f}" if "ratio" in result else ""
    own = "convert" if "bytes" in result else "table in SQLite"
    size = f"{result['bytes'] / 1e6:.0f}" if "bytes" in result else ""
    cells = [workload, engine, result.get("route", own), _seconds(result["wall"]), ratio,
             _seconds(result.get("inside")), _seconds(result["cpu"]), f"{result['memory']:.0f}",
             f"{result['pss']:.0f}", size, _runs(result)]
    return f"| {' | '.join(cells)} |"


def _about(machine):
    return (f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']} GiB, "
            f"Linux {machine['kernel']}; {machine['quern']}, commit {machine['commit']}.")


def render(kept, only=None):
    """The table of all workloads, or of some; peers from fast to slow."""
    lines = [_about(kept["machine"]), "", HEAD]
    for workload, result in sorted(kept["workloads"].items(), key=lambda item: item[0].lower()):
        if only and workload not in only:
            continue
        lines.append(_line(f"**{workload}**", "**Quern**", result["quern"]))
        for engine, peer in sorted(result["peers"].items(), key=lambda item: item[1]["wall"]):
            lines.append(_line("", engine, peer))
        for engine, why in result["failed"].items():
            if engine not in result["peers"]:
                lines.append(f"|  | {engine} | failed: {why} |  |  |  |  |  |  |  |  |")
    return "\n".join(lines)


def insert(page, name, text):
    """Replaces what stands between `<!-- name -->` and `<!-- /name -->`."""
    old = page.read_text()
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
    new, n = pattern.subn(lambda match: match[1] + text + "\n" + match[2], old)
    if n != 1:
        raise SystemExit(f"{page}: expected one pair of <!-- {name} --> and <!-- /{name} -->")
    page.write_text(new)
