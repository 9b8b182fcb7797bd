"""An iteration of full-covariance EM beside scikit-learn's GaussianMixture: 50,000 rows of 32 columns, 16 components.

Both begin at the same parameters and take the same number of iterations in double precision on the same threads, in turns; ours
through the whole training loop. Each turn is a process of its own, so that its peak memory is its own.

python -m benchmarks.gmm
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from statistics import median
from typing import Any

import numpy as np
import torch
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from benchmarks.harness import Result
from venero.data.data import Data
from venero.data.spec import Batch, Spec
from venero.maths.products import products
from venero.models.gmm import GMM, GMMNet
from venero.train.loop import Trainer
from venero.train.run import Run

N, D, K, ITERATIONS = 50_000, 32, 16, 10


def rows() -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(K, D)) * 1.5
    X = rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) * 0.3 + centres[rng.integers(0, K, N)]
    return (X - X.mean(0)) / X.std(0)


def theirs(X: Any) -> tuple[float, float]:
    """Seconds and the log-likelihood reached."""
    start = {"means_init": X[:K], "precisions_init": np.repeat(np.eye(D)[None], K, 0), "weights_init": np.full(K, 1 / K)}
    model = GaussianMixture(K, max_iter=ITERATIONS, tol=0, reg_covar=1e-6, **start)
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X)
    return time.perf_counter() - began, float(model.score(X))


def ours(X: Any) -> tuple[float, float]:
    model, x = GMM(n_components=K, max_iter=ITERATIONS, tol=0), torch.from_numpy(X)
    net = GMMNet(Spec("table", (D,)), model)
    net.mean.copy_(x[:K])
    net.chol.copy_(torch.eye(D))
    net.log_weight.fill_(-np.log(K))
    began = time.perf_counter()
    Trainer(net, Run(progress="none"), seed=0, identity={}).fit(
        [model.stage(Data.holding(x, Spec("table", (D,))), model.rule(net))]
    )
    seconds = time.perf_counter() - began
    return seconds, float(sum(net.log_prob(Batch(p)).sum() for p in x.split(4096)) / N)


def turn(who: str, threads: int) -> None:
    torch.set_num_threads(threads)
    X = rows()
    products(np.zeros((2, 2)), np.zeros((5, 2)))  # compiled and cached, once for all
    with threadpool_limits(threads):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seconds, score = {"theirs": theirs, "ours": ours}[who](X)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "score": score, "more": (peak - before) / 1024, "peak": peak / 1024}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turn", choices=("theirs", "ours"))
    options = parser.parse_args()
    if options.turn:
        turn(options.turn, options.threads)
        return
    result, began = Result("gmm", "python -m benchmarks.gmm"), time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.gmm", "--threads", str(options.threads), "--turn"]
    said: dict[str, list[dict[str, float]]] = {"theirs": [], "ours": []}
    for _ in range(options.turns):
        for who, turns in said.items():
            turns.append(json.loads(subprocess.run([*command, who], capture_output=True, text=True, check=True).stdout))
    middle = {(who, what): median(t[what] for t in turns) for who, turns in said.items() for what in turns[0]}
    ratios = [b["seconds"] / a["seconds"] for a, b in zip(said["ours"], said["theirs"], strict=True)]
    note = f"{N} x {D}, {K} components, {ITERATIONS} iterations, {options.threads} thread(s), median of {options.turns} turns"
    result.add("seconds, scikit-learn", middle["theirs", "seconds"], "s", note=note)
    result.add("seconds, venero", middle["ours", "seconds"], "s", note=note)
    result.add("times scikit-learn's speed", median(ratios), "x", ">= 3", note=f"{min(ratios):.2f} to {max(ratios):.2f}")
    difference = abs(middle["ours", "score"] - middle["theirs", "score"])
    result.add("difference of the mean log-likelihoods reached", difference, "nats", "<= 1e-6")
    result.add("memory that the fit added, scikit-learn", middle["theirs", "more"], "MB")
    result.add("memory that the fit added, venero", middle["ours", "more"], "MB", f"<= {middle['theirs', 'more']:.1f}")
    result.seconds = time.perf_counter() - began
    result.save()


if __name__ == "__main__":
    main()
