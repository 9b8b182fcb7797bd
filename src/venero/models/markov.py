"""Markov chain of any order over symbols: what comes next depends on the last k symbols alone.

Markov 1906, 1913 (the letters of Eugene Onegin); Shannon 1948 (orders of English). Counts are sufficient, so that fit is one
pass; see `maths.ngrams` for the ways to smooth them. p(sequence) is that of its symbols given its length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log2
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from venero.core.abilities import Completes, Samples, Scores
from venero.core.errors import VeneroError, shown
from venero.core.estimator import Estimator
from venero.core.params import param
from venero.data.data import Data
from venero.data.spec import Batch, Spec
from venero.maths import ngrams
from venero.maths.ngrams import SMOOTHINGS, Floats, Ints, Level, Smoothed
from venero.maths.paths import likeliest
from venero.train.rules import Logs, Stateless
from venero.train.stage import Stage

LONGEST = 1000  # symbols that a draw has at most, unless its length is given
STATES = 2048  # contexts whose transition matrix is written out
STEPS = 2**40  # the longest mixing time that is looked for


class MarkovNet(nn.Module):
    """Counts of symbols after contexts of length 0 to k. S symbols, and one more that stands for all that fit did not see."""

    sizes: Tensor  # (L,) lengths of the sequences that were learned from, sorted
    density = False
    score_of = "probability of the symbols"

    def __init__(self, spec: Spec, smoothing: str, strength: float, unseen: bool, beam: int):
        super().__init__()
        self.s, self.base, self.mark = spec.levels, spec.levels + 2, spec.levels + 1
        self.size = self.s + unseen  # symbols that have a probability
        self.smoothing, self.strength, self.beam = smoothing, strength, beam
        self.levels: list[Level] = []
        self.weights: list[Smoothed] = []
        self.register_buffer("sizes", torch.ones(1, dtype=torch.int64))
        self.take([Level(np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))])

    @property
    def order(self) -> int:
        return len(self.levels) - 1

    # -- what was counted --------------------------------------------------------------
    def take(self, levels: list[Level]) -> None:
        """Have these counts."""
        for j in range(max(len(levels), len(self.levels))):
            for part in ("contexts", "grams", "counts"):
                if j < len(levels):
                    self.register_buffer(f"{part}{j}", torch.from_numpy(getattr(levels[j], part)))
                else:
                    delattr(self, f"{part}{j}")
        self.levels = levels
        self.weights = SMOOTHINGS[self.smoothing](levels, self.base, self.mark, self.size, self.strength)

    def _load_from_state_dict(self, state: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        """Counts are as many as there were contexts."""
        orders = sum(name.startswith(f"{prefix}contexts") for name in state)
        parts = ("contexts", "grams", "counts")
        self.take([Level(*(state[f"{prefix}{part}{j}"].cpu().numpy() for part in parts)) for j in range(orders)])
        self.register_buffer("sizes", torch.empty_like(state[f"{prefix}sizes"]))
        super()._load_from_state_dict(state, prefix, *rest)

    def learn(self, rows: list[Ints], order: int) -> None:
        self.take(ngrams.count(*ngrams.flat(rows, self.mark), order, self.base))
        self.sizes = torch.tensor(sorted(map(len, rows)))

    # -- probabilities -----------------------------------------------------------------
    def symbol_log_probs(self, rows: list[Ints]) -> Floats:
        """log p of each symbol given those before it, sequence after sequence: (N,)."""
        symbols, before = ngrams.flat(rows, self.mark)
        with np.errstate(divide="ignore"):
            return np.log(ngrams.probabilities(symbols, before, self.levels, self.weights, self.base, self.size))

    def log_prob(self, batch: Batch) -> Tensor:
        rows = rows_of(batch)
        starts = np.cumsum([0] + [len(row) for row in rows[:-1]])
        return torch.from_numpy(np.add.reduceat(self.symbol_log_probs(rows), starts))

    def next(self, recent: Ints) -> Floats:
        """p(symbol | the latest ones) of the known symbols: (B, K), the latest last, -1 for none -> (B, S)."""
        p = ngrams.distributions(recent, self.levels, self.weights, self.base, self.size)[:, : self.s]
        normal: Floats = p / p.sum(1, keepdims=True)
        return normal

    # -- use ---------------------------------------------------------------------------
    def sample(self, n: int, labels: Tensor | None = None, length: int | None = None) -> tuple[Tensor, Tensor]:
        """Sequences as long as those of fit, at most 1,000 symbols, or of the given length."""
        lengths = self.sizes[torch.randint(len(self.sizes), (n,))].clamp_max(LONGEST)
        lengths = torch.full((n,), length) if length else lengths
        x = np.full((n, self.order + int(lengths.max())), -1, np.int64)
        x[:, max(0, self.order - 1) : self.order] = self.mark
        chance = torch.rand(n, x.shape[1], dtype=torch.float64).numpy()
        for t in range(self.order, x.shape[1]):
            p = self.next(x[:, t - self.order : t]).cumsum(1)
            x[:, t] = (chance[:, t, None] * p[:, -1:] > p).sum(1).clip(max=self.s - 1)
        drawn = torch.from_numpy(x[:, self.order :])
        return torch.where(torch.arange(drawn.shape[1]) < lengths[:, None], drawn, 0), lengths

    def complete(self, x: Tensor, known: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The jointly likeliest symbols in place of unknown ones: (B, T), (B, T) bool, (B,) -> (B, T)."""
        out = x.cpu().clone()
        ends = [x.shape[1]] * len(x) if lengths is None else lengths.tolist()
        for row, there, end in zip(out.numpy(), known.cpu().numpy(), ends, strict=True):
            row[:end] = likeliest(row[:end], there[:end], self._steps, self.order, self.mark, max(self.beam, self.s))
        return out.to(x.device)

    def _steps(self, recent: Ints) -> Floats:
        """log p of every symbol after each of these contexts, those never seen too."""
        p = ngrams.distributions(recent, self.levels, self.weights, self.base, self.size)
        full = np.zeros((len(p), self.s + 1))
        full[:, : self.size] = p
        with np.errstate(divide="ignore"):
            return np.log(full)

    # -- the chain in the long run -----------------------------------------------------
    def states(self) -> Ints:
        """All contexts of k known symbols, the latest last: (S^k, k)."""
        if self.s**self.order > STATES:
            raise VeneroError(
                f"order = {self.order} over {self.s} symbols has {self.s**self.order} contexts, at most {STATES} are written"
                " out: fit with a lower order"
            )
        grids = np.meshgrid(*[np.arange(self.s)] * self.order, indexing="ij")
        return np.stack([g.ravel() for g in grids], 1) if grids else np.zeros((1, 0), np.int64)

    def transitions(self) -> Floats:
        """p(next context | context): (S^k, S^k)."""
        p = self.next(self.states())  # (S^k, S)
        n = len(p)
        matrix = np.zeros((n, n))
        then = (np.arange(n)[:, None] * self.s + np.arange(self.s)) % n
        np.add.at(matrix, (np.arange(n)[:, None], then), p)
        return matrix


def rows_of(batch: Batch) -> list[Ints]:
    """The sequences of a batch without what fills them up."""
    x = batch.x.cpu().numpy()
    return list(x) if batch.lengths is None else [row[:n] for row, n in zip(x, batch.lengths.tolist(), strict=True)]


class Counting(Stateless):
    """The learning rule: all is counted in one step, by every process for itself."""

    def __init__(self, net: MarkovNet, data: Data, model: MarkovChain):
        self.net, self.data, self.model = net, data, model

    def step(self, batch: Batch, done: float, examples: int) -> Logs:
        rows = rows_of(self.data.batch(torch.arange(len(self.data), device=self.data.rows.device)))
        order = self.model.order if isinstance(self.model.order, int) else self._best(rows)
        self.net.learn(rows, order)
        return {"loss": -torch.tensor(self.net.symbol_log_probs(rows).mean()), "order": torch.tensor(float(order))}

    def _best(self, rows: list[Ints]) -> int:
        """The lowest order under which held-out symbols are as likely as under the best, within a standard error."""
        learned, held_out = hold_out(rows, self.model.validation)
        self.net.learn(learned, self.model.max_order)
        levels, scores = self.net.levels, []
        for order in range(self.model.max_order + 1):
            self.net.take(levels[: order + 1])
            scores.append(self.net.symbol_log_probs(held_out))
        best = scores[int(np.argmax([s.mean() for s in scores]))]
        near = [(best - s).mean() <= (best - s).std() / len(s) ** 0.5 for s in scores]
        return int(np.argmax(near))

    def evaluate(self, batch: Batch) -> Logs:
        return {"loss": -torch.tensor(self.net.symbol_log_probs(rows_of(batch)).mean())}

    def end_epoch(self) -> bool:
        return True


def hold_out(rows: list[Ints], share: float) -> tuple[list[Ints], list[Ints]]:
    """Sequences to learn from and to choose by, at random; of fewer than ten, each one's end is held out."""
    if len(rows) < 10:
        cuts = [max(1, round((1 - share) * len(row))) for row in rows]
        ends = [row[cut:] for row, cut in zip(rows, cuts, strict=True) if cut < len(row)]
        return [row[:cut] for row, cut in zip(rows, cuts, strict=True)], ends or rows
    order = torch.randperm(len(rows)).tolist()
    n = max(1, round(share * len(rows)))
    return [rows[i] for i in sorted(order[n:])], [rows[i] for i in sorted(order[:n])]


@dataclass(eq=False, kw_only=True, repr=False)
class MarkovChain(Estimator[MarkovNet], Samples, Scores, Completes):
    """A chain of symbols in which the last few decide what comes next, as often as they did in the data.

    Takes sequences of symbols (lists of integers or of texts, or an integer array) and texts, whose characters are symbols.
    Those that fit did not see are one more symbol, with the share that smoothing leaves for what was never counted, or are
    refused (`unseen`). `complete` takes the jointly likeliest symbols: exactly where the order is at most 1 or all contexts fit
    into `beam`, and else the best of that many.

    >>> model = MarkovChain(order=1).fit(["abababab", "babababa"])
    >>> model.sample(2, length=6, random_state=0), model.complete(["ab"], length=6)
    (['ababab', 'ababab'], ['ababab'])
    """

    forms = {"symbols": "symbols", "text": "symbols"}  # noqa: RUF012 - a ClassVar by its base
    takes_unseen = True
    score_kind = "exact"
    how = "counting"
    paper = "Markov 1906; Shannon 1948"

    order: int | str = param("auto", "symbols that decide the next one; auto: chosen by held-out likelihood")
    max_order: int = param(6, "highest order that auto tries", low=0)
    validation: float = param(0.1, "share of the data that the order is chosen by", above=0, high=0.9)
    smoothing: str = param("kneser-ney", "how probable what was never counted is", choices=tuple(SMOOTHINGS))
    strength: float = param(0.5, "Dirichlet: what each symbol counts beforehand, in the mean", above=0)
    unseen: str = param("share", "symbols that fit did not see", choices=("share", "refuse"))
    beam: int = param(64, "contexts that complete keeps at a time; never fewer than there are symbols", low=1)

    def build(self, spec: Spec) -> MarkovNet:
        if self.order != "auto" and (not isinstance(self.order, int) or self.order < 0):
            raise VeneroError(f"MarkovChain.order = {shown(self.order)}: must be 'auto' or an integer >= 0")
        return MarkovNet(spec, self.smoothing, self.strength, self.unseen == "share", self.beam)

    def _fit_codec(self, X: Any) -> Spec:
        spec = super()._fit_codec(X)
        self.codec_.takes_unseen = self.unseen == "share"  # type: ignore[attr-defined]
        return spec

    def stages(self, net: MarkovNet, data: Data) -> Iterator[Stage]:
        yield Stage("count", data, Counting(net, data, self), 1, len(data))

    @property
    def order_(self) -> int:
        """Symbols that decide the next one."""
        self._check_fitted()
        return int(self.net_.order)

    @property
    def alphabet_(self) -> list[Any]:
        """The symbols that fit saw, in the order of distributions."""
        self._check_fitted()
        return list(self.codec_.alphabet)  # type: ignore[attr-defined]

    def transition_matrix(self) -> np.ndarray:
        """p(next context | context) among the contexts of `order_` known symbols: (S^k, S^k); of order 1, among symbols."""
        self._check_fitted()
        return self.net_.transitions()

    def stationary(self) -> np.ndarray:
        """Share of each symbol of alphabet_ in the long run: (S,)."""
        share = self._stationary_contexts()
        return share @ self.net_.next(self.net_.states())

    def entropy_rate(self) -> float:
        """Bits that a symbol says in the long run."""
        p = self.net_.next(self.net_.states())
        return float(-(self._stationary_contexts()[:, None] * p * np.log2(p)).sum())

    def mixing_time(self, distance: float = 0.25) -> int:
        """Steps until the chain, wherever it began, is this near to its long run in total variation (Levin et al. 2009)."""
        if not 0 < distance < 1:
            raise VeneroError(f"distance = {shown(distance)}: must be between 0 and 1")
        powers, pi = [self.transition_matrix()], self._stationary_contexts()
        far = lambda p: np.abs(p - pi).sum(1).max() / 2 > distance  # noqa: E731
        if not far(np.eye(len(pi))):
            return 0
        while far(powers[-1]) and len(powers) < log2(STEPS):
            powers.append(powers[-1] @ powers[-1])
        steps, reached = 0, np.eye(len(pi))
        for i in reversed(range(len(powers) - 1)):
            if far(further := reached @ powers[i]):
                steps, reached = steps + 2**i, further
        return steps + 1

    def _stationary_contexts(self) -> np.ndarray:
        matrix = self.transition_matrix()
        n = len(matrix)
        equations = np.concatenate([matrix.T - np.eye(n), np.ones((1, n))])
        share: np.ndarray = np.linalg.lstsq(equations, np.eye(n + 1)[-1], rcond=None)[0]
        return share
