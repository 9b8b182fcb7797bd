"""venero: every classic generative model behind one scikit-learn interface.

Public names load on first use, so that `import venero` is quick and does not import torch.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "dataset": "venero.data.sources:dataset",
    "Dataset": "venero.data.sources:Dataset",
    "load": "venero.core.storage:load",
    "Run": "venero.train.run:Run",
    "catalog": "venero.core.catalog:models",  # not "models": that is the package that holds them
    "model": "venero.core.catalog:find",
    "VeneroError": "venero.core.errors:VeneroError",
    "evaluate": "venero.evaluation.evaluate:evaluate",
    "Scorecard": "venero.evaluation.scorecard:Scorecard",
    "compare": "venero.comparison:compare",
    "denoise": "venero.tasks.denoise:denoise",
    "interpolate": "venero.tasks.interpolate:interpolate",
    "impute": "venero.tasks.impute:impute",
    "attribute_direction": "venero.tasks.edit:attribute_direction",
    "edit": "venero.tasks.edit:edit",
    "check_edit": "venero.tasks.edit:check_edit",
    "compare_reductions": "venero.tasks.reduce:compare_reductions",
    "cluster": "venero.tasks.cluster:cluster",
    "DeepClustering": "venero.tasks.cluster:DeepClustering",
    "PretrainedClassifier": "venero.tasks.pretrain:PretrainedClassifier",
    "pretraining_gain": "venero.tasks.pretrain:pretraining_gain",
    "anomaly_score": "venero.tasks.anomaly:anomaly_score",
    "anomaly_map": "venero.tasks.attribution:anomaly_map",
    "AnomalyDetector": "venero.tasks.anomaly:AnomalyDetector",
    "GenerativeClassifier": "venero.tasks.classify:GenerativeClassifier",
}

__all__ = [*_PUBLIC, "__version__"]  # noqa: PLE0604


def _resolve(path: str) -> Any:
    from importlib import import_module

    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    if name in _PUBLIC:
        return _resolve(_PUBLIC[name])
    from venero.core.catalog import CLASSES

    if name in CLASSES:
        return _resolve(CLASSES[name])
    raise AttributeError(f"module 'venero' has no attribute {name!r}")


def __dir__() -> list[str]:
    from venero.core.catalog import CLASSES

    return sorted([*__all__, *CLASSES])
