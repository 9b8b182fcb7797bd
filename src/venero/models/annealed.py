"""What models have in common whose likelihood is known up to the partition function of a restricted Boltzmann machine."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.utils.metaestimators import available_if

from venero.core.abilities import Scores
from venero.nn.partition import annealed_log_partition, betas


def knows_labels(model: Any) -> bool:
    """Whether labels are units, so that classes can be told."""
    return bool(model.conditional)


class Annealed(Scores):
    """Scores by log Z, which is summed where one side of the machine is short, else estimated by annealing."""

    score_kind = "estimate"
    machine: ClassVar[str]  # the network's part that log Z is of; the network has `base` and `take` besides

    @property
    def log_z_(self) -> float:
        """log of the machine's partition function in nats."""
        self._check_fitted()
        return float(self.net_.log_z)

    @property
    def log_z_error_(self) -> float:
        """Its standard error; 0 where it was summed exactly."""
        self._check_fitted()
        return float(self.net_.log_z_error)

    def anneal(self, chains: int = 100, steps: int = 14_500, seed: int = 0) -> tuple[float, float]:
        """Estimate log Z again by annealed importance sampling, and score by it from now on; returns it and its error."""
        self._check_fitted()
        machine = getattr(self.net_, self.machine)
        self.net_.take(annealed_log_partition(machine, self.net_.base, betas(steps), chains, seed))
        return self.log_z_, self.log_z_error_

    def predict_proba(self, X: Any) -> np.ndarray:
        """p(y | x) of each class, by free energy: (n, ...) -> (n, n_classes)."""
        raise NotImplementedError

    @available_if(knows_labels)  # type: ignore[untyped-decorator]
    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class: (n, ...) -> (n,)."""
        return np.asarray(self.classes_)[self.predict_proba(X).argmax(1)]
