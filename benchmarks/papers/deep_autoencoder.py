"""Deep auto-encoders, layer by layer (Hinton & Salakhutdinov 2006), and stacked denoisers (Vincent et al. 2008), on MNIST.

python -m benchmarks.papers.deep_autoencoder rbm --seeds 0        784-1000-500-250-30, pre-trained by machines and not
python -m benchmarks.papers.deep_autoencoder sda --seeds 0 1 2    three denoisers on 10,000 images, then a classifier
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import torch

from benchmarks.harness import Result, mnist
from venero.models.autoencoder import AutoEncoder
from venero.tasks.pretrain import PretrainedClassifier
from venero.train.run import Run

DEEP: dict[str, Any] = {
    "net": "mlp",
    "activation": "sigmoid",
    "loss": "cross entropy",
    "schedule": "cosine",
    "batch_size": 100,
    "validation": 0.0,
}
STACK: dict[str, Any] = DEEP | {
    "hidden": (500, 500),
    "latent_dim": 500,
    "code": "sigmoid",
    "corruption_level": 0.25,
    "epochs": 0,
}
FEW = 10_000  # images that the stack and its classifier learn from
UPDATES = 6000  # of the classifier: sixty passes


def rbm(result: Result, seed: int, epochs: int) -> None:
    train, test = mnist()
    errors = {}
    for pretrain, what in (("rbm", "pre-trained by machines"), ("none", "random start")):
        fields = DEEP | {"hidden": (1000, 500, 250), "latent_dim": 30, "epochs": epochs, "pretrain_epochs": 5}
        model = AutoEncoder(pretrain=pretrain, random_state=seed, **fields).fit(train.X, run=Run(progress="lines"))
        errors[pretrain] = float(model.reconstruction_error(test.X).mean())
        gate = "<= 4.5" if pretrain == "rbm" else ""
        result.add(f"784-1000-500-250-30, {epochs} epochs, {what}: test error", errors[pretrain], "squared", gate, seed)
        result.add(f"{what}: fit", model.fit_seconds_, "s", seed=seed)
        result.save()
    result.add("random start worse by", errors["none"] - errors["rbm"], "squared", ">= 0", seed)


def sda(result: Result, seed: int, epochs: int) -> None:
    train, test = mnist()
    few = train.X[:FEW], train.y[:FEW]
    stack = AutoEncoder(pretrain="denoising", pretrain_epochs=epochs, random_state=seed, **STACK).fit(few[0])
    result.add("three denoisers: fit", stack.fit_seconds_, "s", seed=seed)
    for scratch, what, gate in ((False, "stacked denoisers", "<= 3.4"), (True, "random start", "")):
        net = PretrainedClassifier(stack, from_scratch=scratch, updates=UPDATES, batch_size=100, random_state=seed).fit(*few)
        error = 100 * float((net.predict(test.X) != test.y).mean())
        result.add(f"784-500-500-500 with 10,000 labels, {what}: test error", error, "%", gate, seed)
        result.save()


RUNS = {"rbm": (rbm, 60), "sda": (sda, 15)}


def main() -> None:
    import logging

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=RUNS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=None, help="of fine-tuning (rbm), of each denoiser (sda)")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    run, usual = RUNS[options.which]
    epochs = usual if options.epochs is None else options.epochs
    said = f"{options.which} --epochs {epochs} --seeds {' '.join(map(str, options.seeds))}"
    name = {"rbm": "papers-deep-autoencoder", "sda": "papers-stacked-denoisers"}[options.which]
    result = Result(name, f"python -m benchmarks.papers.deep_autoencoder {said}")
    began = time.perf_counter()
    for seed in options.seeds:
        run(result, seed, epochs)
        result.seconds = time.perf_counter() - began
        result.save()


if __name__ == "__main__":
    main()
