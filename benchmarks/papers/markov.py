"""Bits per character of held-out text under Markov chains of order 1 to 6 (Shannon 1948 did the like by hand).

python -m benchmarks.papers.markov        Tiny Shakespeare and Don Quijote: first nine tenths learned, the last tenth scored

Characters that only the last tenth has share what smoothing leaves for what was never counted.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil

from benchmarks.harness import ROOT, Result
from venero.models.markov import MarkovChain
from venero.train.run import Run

TEXTS = {"Tiny Shakespeare": "tinyshakespeare.txt", "Don Quijote": "quijote.txt"}
ORDERS = range(1, 7)


def main() -> None:
    folder = Path(os.environ.get("VENERO_DATA", ROOT.parent / "shared" / "data")) / "text"
    result = Result("papers-markov", "python -m benchmarks.papers.markov")
    began = time.perf_counter()
    for name, file in TEXTS.items():
        text = (folder / file).read_text(encoding="utf-8")
        cut = 9 * len(text) // 10
        for smoothing in ("kneser-ney", "hierarchical dirichlet"):
            for order in ORDERS:
                model = MarkovChain(order=order, smoothing=smoothing).fit([text[:cut]], run=Run(progress="none"))
                bits = model.bits_per_dim([text[cut:]])
                result.add(f"{name}, {smoothing}, order {order}", bits, "bits per character")
            result.add(f"{name}, {smoothing}, order {order}: fit", model.fit_seconds_, "s")
        chosen = MarkovChain(random_state=0).fit([text[:cut]], run=Run(progress="none"))
        result.add(f"{name}: order that held-out likelihood chose", chosen.order_, "characters")
    result.add("most memory", psutil.Process().memory_full_info().rss / 2**30, "GiB resident at the end")
    result.seconds = time.perf_counter() - began
    result.save()


if __name__ == "__main__":
    main()
