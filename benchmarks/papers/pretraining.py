"""What unsupervised pre-training is worth with few labels: a denoising auto-encoder of MNIST, then a classifier on its encoder
(Vincent et al. 2010).

python -m benchmarks.papers.pretraining --seeds 3
"""

from __future__ import annotations

import argparse
import time

import torch

from benchmarks.harness import Result, mnist
from venero.models.autoencoder import AutoEncoder
from venero.tasks.pretrain import pretraining_gain

LABELS = (100, 1000, 10_000)
MODEL = AutoEncoder(
    net="mlp",
    hidden=(500, 500),
    latent_dim=500,
    code="relu",
    corruption="masking",
    corruption_level=0.25,
    loss="cross entropy",
    schedule="cosine",
    validation=0.0,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    result = Result("papers-pretraining", f"python -m benchmarks.papers.pretraining --seeds {options.seeds}")
    began = time.perf_counter()
    train, test = mnist()
    model = MODEL.set_params(epochs=options.epochs)
    for row in pretraining_gain(model, train, test, LABELS, options.seeds).to_dict("records"):
        n, seed = row["labels"], row["seed"]
        for name, what in (("pretrained", "pre-trained"), ("scratch", "random start")):
            interval = f"{100 * row[f'{name}_low']:.3g} to {100 * row[f'{name}_high']:.3g}"
            result.add(f"{n:,} labels: test error, {what}", 100 * row[name], "%", seed=seed, note=interval)
        gate = ">= 0" if n == 1000 else ""
        note = f"{100 * row['gain_low']:.3g} to {100 * row['gain_high']:.3g}, paired"
        result.add(f"{n:,} labels: error less by", 100 * row["gain"], "points", gate, seed, note)
    result.seconds = time.perf_counter() - began
    result.save()


if __name__ == "__main__":
    main()
