"""Who speaks? Mixtures of Gaussians of cepstra, one for each speaker (Reynolds 1995), and adapted from a background of all
(Reynolds, Quatieri & Dunn 2000): spoken digits, the official split (takes 0 to 4 are the test).

python -m benchmarks.papers.speaker --seeds 0 1 2
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import ROOT, Result
from venero.data.audio import Clips, read_audio
from venero.models.gmm import GMM
from venero.tasks.classify import GenerativeClassifier

FEW = 5  # clips of a speaker that are little to learn from: its take 5 of the even digits


def digits() -> tuple[Clips, Any, Any, Any]:
    """Clips, speakers, digits and takes."""
    heard = read_audio(Path(os.environ.get("VENERO_DATA", ROOT.parent / "shared" / "data")) / "fsdd")
    parts = [Path(name).stem.split("_") for name in heard.names]
    return heard.X, np.array([p[1] for p in parts]), np.array([int(p[0]) for p in parts]), np.array([int(p[2]) for p in parts])


def chosen(X: Clips, which: Any) -> Clips:
    return Clips([X[i] for i in np.flatnonzero(which)], X.rate)


def mixture(k: int, seed: int) -> GMM:
    return GMM(n_components=k, covariance="diag", ridge=1e-2, max_iter=50, tol=1e-2, random_state=seed)


def adapted(ubm: GMM, X: Clips, speaker: Any, test: Clips) -> tuple[Any, Any]:
    """Log-likelihood ratios of each clip against the background, of each speaker: (n, speakers), and the speakers' names."""
    names = np.unique(speaker)
    background = ubm.score_samples(test)
    return np.stack([ubm.adapt(chosen(X, speaker == s)).score_samples(test) - background for s in names], 1) / steps(
        test
    ), names


def steps(X: Clips) -> Any:
    """Lengths as a column: ratios are compared for each moment of speech."""
    return np.array([[len(clip)] for clip in X])


def equal_error(ratios: Any, right: Any) -> float:
    """The rate at which as many targets are refused as impostors are let in."""
    thresholds = np.sort(ratios.ravel())
    refused = np.array([(ratios[right] < t).mean() for t in thresholds])
    let_in = np.array([(ratios[~right] >= t).mean() for t in thresholds])
    at = np.abs(refused - let_in).argmin()
    return float((refused[at] + let_in[at]) / 2)


def measure(result: Result, seed: int) -> None:
    X, speaker, digit, take = digits()
    train, test = take >= 5, take < 5
    truth, note = speaker[test], f"{len(set(speaker))} speakers, {train.sum()} clips learned, {test.sum()} tested"
    began = time.perf_counter()
    model = GenerativeClassifier(mixture(32, seed), priors="uniform").fit(chosen(X, train), speaker[train])
    right = 100 * (model.predict(chosen(X, test)) == truth).mean()
    result.add("a mixture of 32 for each speaker: right", right, "%", ">= 97", seed, note)
    result.add("its time, fit and test", time.perf_counter() - began, "s", seed=seed)
    ubm = mixture(64, seed).fit(chosen(X, train))
    ratios, names = adapted(ubm, chosen(X, train), speaker[train], chosen(X, test))
    result.add(
        "background of 64, adapted with r = 16: right", 100 * (names[ratios.argmax(1)] == truth).mean(), "%", "", seed, note
    )
    little = (take == 5) & (digit % 2 == 0)
    ratios, names = adapted(ubm, chosen(X, little), speaker[little], chosen(X, test))
    is_target = names[None] == truth[:, None]
    result.add(f"adapted by {FEW} clips: equal error", 100 * equal_error(ratios, is_target), "%", "", seed)
    alone = [mixture(64, seed).fit(chosen(X, little & (speaker == s))).score_samples(chosen(X, test)) for s in names]
    scratch = (np.stack(alone, 1) - ubm.score_samples(chosen(X, test))[:, None]) / steps(chosen(X, test))
    result.add(f"learned from scratch by {FEW} clips: equal error", 100 * equal_error(scratch, is_target), "%", "", seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    result = Result("papers-speaker", "python -m benchmarks.papers.speaker --seeds " + " ".join(map(str, options.seeds)))
    began = time.perf_counter()
    for seed in options.seeds:
        measure(result, seed)
    result.seconds = time.perf_counter() - began
    result.save()


if __name__ == "__main__":
    main()
