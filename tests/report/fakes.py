"""Models that need no training: what a report asks of a model, and no more."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from venero.data.datasets import Dataset

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Coder:
    """Principal components as codes with unit variance; encodes and decodes 8-bit images, and no more."""

    def __init__(self, X, latent_dim=2):
        flat = X.reshape(len(X), -1) / 255
        self.shape = X.shape[1:]
        self.pca = PCA(latent_dim, whiten=True, svd_solver="full").fit(flat)
        self.n_parameters_, self.fit_seconds_ = self.pca.components_.size, 1.5
        self.history_ = [
            {
                "stage": "fit",
                "epoch": e,
                "train": {"loss": 9.0 / e, "reconstruction": 5.0 / e, "kl": 4.0 / e},
                "validation": None,
            }
            for e in (1, 2)
        ]

    def encode(self, X):
        return self.pca.transform(np.asarray(X).reshape(len(X), -1) / 255).astype(np.float32)

    def decode(self, Z):
        back = np.clip(self.pca.inverse_transform(Z), 0, 1).reshape(-1, *self.shape)
        return np.rint(back * 255).astype(np.uint8)

    def reconstruct(self, X):
        return self.decode(self.encode(X))

    def reconstruction_error(self, X):
        return ((np.asarray(X) / 255.0 - self.reconstruct(X) / 255.0) ** 2).reshape(len(X), -1).sum(axis=1)


class Generator(Coder):
    """The same with a unit Gaussian over its codes: it also samples, scores and knows a divergence."""

    score_kind = "exact"

    def sample(self, n=1, *, y=None, random_state=None, noise=True):
        return self.decode(np.random.default_rng(random_state).normal(size=(n, self.pca.n_components_)))

    def score_samples(self, X):
        return -(self.encode(X) ** 2).sum(axis=1) / 2

    def latent_kl(self, X):
        return self.encode(X) ** 2 / 2


class Density:
    """A Gaussian of each column of a DataFrame; it samples and scores, and has no codes."""

    score_kind = "exact"

    def __init__(self, frame):
        self.mean, self.std = frame.mean(), frame.std()

    def sample(self, n=1, *, y=None, random_state=None):
        rng = np.random.default_rng(random_state)
        return pd.DataFrame({c: rng.normal(self.mean[c], self.std[c], n) for c in self.mean.index})

    def score_samples(self, X):
        return (-(((X - self.mean) / self.std) ** 2).sum(axis=1) / 2).to_numpy()


def halves(X, y=None, n=1400, name="digits", **said) -> tuple[Dataset, Dataset]:
    """Train and test parts of some data."""
    part = lambda rows: Dataset(X[rows], None if y is None else y[rows], name, **said)  # noqa: E731
    return part(slice(0, n)), part(slice(n, None))


class Page(HTMLParser):
    """A page taken apart: what it asks for, its sections, words and pictures; every tag must be closed in order."""

    def __init__(self, html: str):
        super().__init__()
        self.open, self.asked, self.ids, self.links, self.pictures, self.words = [], [], [], [], [], []
        self.tags: list[tuple[str, dict]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.tags.append((tag, known))
        self.ids += [known["id"]] if "id" in known else []
        self.links += [known["href"]] if tag == "a" else []
        self.asked += [v for k, v in attrs if k in ("src", "href", "xlink:href", "data", "action", "poster", "srcset")]
        if tag in ("svg", "img") and "aria-hidden" not in known:
            self.pictures.append(known)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def sections(self) -> list[str]:
        return [known["id"] for tag, known in self.tags if tag == "section"]
