"""What every benchmark shares: real data, and a record of figures with commit, versions and machine (JSON in, table out).

python -m benchmarks.harness            prints the table of all results
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
PACKAGES = ("venero", "torch", "numpy", "scikit-learn", "pythae", "pyod")


@dataclass
class Figure:
    """One measured number, the gate that it must pass, and the seed that it was measured with (None: no randomness, or all)."""

    name: str
    value: float
    unit: str
    gate: str = ""  # such as "<= 90"; empty: reported, not gated
    seed: int | None = None
    note: str = ""

    @property
    def passed(self) -> bool | None:
        if not self.gate:
            return None
        sign, bound = self.gate.split()
        return bool({"<=": self.value <= float(bound), ">=": self.value >= float(bound)}[sign])


@dataclass
class Result:
    """All figures of one run of a benchmark."""

    name: str
    command: str
    figures: list[Figure] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, *args: Any, **kwargs: Any) -> None:
        figure = Figure(*args, **kwargs)
        self.figures.append(figure)
        mark = {None: "", True: "passed", False: "FELL SHORT"}[figure.passed]
        print(
            f"{self.name}: {figure.name} (seed {figure.seed}): {figure.value:.4g} {figure.unit} {figure.gate} {mark}",
            flush=True,
        )

    def save(self) -> None:
        RESULTS.mkdir(exist_ok=True)
        finite = lambda value: value if isfinite(value) else None  # noqa: E731  JSON has no NaN
        rows = [asdict(f) | {"value": finite(f.value), "passed": f.passed} for f in self.figures]
        record = {"name": self.name, "command": self.command, "figures": rows, "seconds": round(self.seconds, 1)}
        record |= {"commit": commit(), "versions": versions(), "machine": machine(), "when": time.strftime("%Y-%m-%d")}
        (RESULTS / f"{self.name}.json").write_text(json.dumps(record, indent=1) + "\n")


def commit() -> str:
    """The commit measured, marked where the source differs from it."""
    git = lambda *a: subprocess.run(["git", *a], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()  # noqa: E731
    return git("rev-parse", "--short", "HEAD") + ("+changes" if git("status", "--porcelain", "src") else "")


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    import torch

    cpu = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.processor())
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return {"cpu": cpu, "cores": os.cpu_count(), "threads": torch.get_num_threads(), "accelerator": gpu}


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def mnist() -> tuple[Any, Any]:
    """MNIST's official train and test, from VENERO_DATA or ../shared/data."""
    from venero.data.sources import dataset

    os.environ.setdefault("VENERO_DATA", str(ROOT.parent / "shared" / "data"))
    return dataset("mnist").split()


def table(paths: Iterable[Path]) -> str:
    """All results as one Markdown table; several seeds of one figure share a row, worst value judged."""
    lines = ["| benchmark | figure | value (each seed) | gate | | commit |", "| --- | --- | --- | --- | --- | --- |"]
    for path in sorted(paths):
        record = json.loads(path.read_text())
        names = list(dict.fromkeys(f["name"] for f in record["figures"]))
        for name in names:
            rows = [f for f in record["figures"] if f["name"] == name]
            values = ", ".join("not finite" if f["value"] is None else f"{f['value']:.4g}" for f in rows)
            verdict = "" if rows[0]["passed"] is None else ("passed" if all(f["passed"] for f in rows) else "**fell short**")
            gate = rows[0]["gate"]
            lines.append(
                f"| {record['name']} | {name} | {values} {rows[0]['unit']} | {gate} | {verdict} | {record['commit']} |"
            )
    return "\n".join(lines)


def main() -> None:
    print(table(RESULTS.glob("*.json")))


if __name__ == "__main__":
    sys.exit(main())
