"""What a fitted model can do: small mixins without state over `net_`, `codec_` and `spec_`.

A class lists the abilities that it has, so that `hasattr(model, "score_samples")` tells the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from inspect import signature
from itertools import repeat
from math import log, prod
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.exceptions import NotFittedError
from torch import Tensor

from venero.core.errors import DataError, VeneroError, shown
from venero.core.inputs import array_or_frame
from venero.core.params import LARGEST_SEED, accepts, positive
from venero.data.codecs import Codec
from venero.data.data import Data, joined
from venero.data.masks import filled, known_cells, to_network
from venero.data.series import cut, padded
from venero.data.spec import Batch, Spec
from venero.data.unknowns import lengthened, put_back
from venero.maths.random import seeded

BATCH = 512  # examples at a time outside training


class UnfittedError(VeneroError, NotFittedError):
    """The model was used before `fit`."""


class Fitted:
    """What fit leaves behind, and how the abilities read it."""

    net_: Any  # the network
    codec_: Codec  # the user's form of the data <-> the network's
    spec_: Spec
    classes_: np.ndarray | None  # labels, where the model is conditional

    def _check_fitted(self) -> None:
        if not hasattr(self, "net_"):
            name = type(self).__name__
            raise UnfittedError(f"This {name} instance is not fitted yet: call fit(X) first, or venero.load a saved one")

    def _taken(self) -> Collection[str]:
        """The kinds of data that the fitted model takes: of sequences, those that fit saw."""
        kinds: Collection[str] = getattr(self.codec_, "takes", getattr(self, "forms", ()))
        return kinds

    def _check_input(self, X: Any, *, reset: bool) -> Any:
        raise NotImplementedError

    def _device(self) -> torch.device:
        return next((t.device for t in self.net_.state_dict().values()), torch.device("cpu"))

    def _labels(self, y: Any, n: int) -> Tensor | None:
        """User labels -> class numbers; one label stands for all n."""
        if y is None:
            return None
        if getattr(self, "classes_", None) is None:
            way = "fit it with conditional=True" if hasattr(self, "conditional") else "leave y out"
            raise VeneroError(f"y = {shown(y)}: this {type(self).__name__} was fitted without labels; {way}")
        given = np.broadcast_to(np.asarray(y), (n,)) if np.ndim(y) == 0 else np.asarray(y)
        if given.shape != (n,):
            raise VeneroError(f"y has {' x '.join(map(str, given.shape))} labels for {n} examples: give one, or one for each")
        known = {label: i for i, label in enumerate(self.classes_.tolist())}  # type: ignore[union-attr]
        unknown = [label for label in given.tolist() if not isinstance(label, Hashable) or label not in known]
        if unknown:
            raise VeneroError(f"y = {shown(unknown[0])} is not a label that fit saw; known: {', '.join(map(repr, known))}")
        return torch.tensor([known[label] for label in given.tolist()], device=self._device())

    @torch.no_grad()
    def _apply(self, f: Callable[[Batch], Tensor], X: Any, y: Any = None) -> Tensor:
        """f over the user's X, batch by batch: (n, ...) on the CPU."""
        self._check_fitted()
        X = self._check_input(X, reset=False)
        self.net_.eval()
        data = Data.of(X, self.codec_, self.spec_, self._labels(y, len(X)), self._device())
        return joined([f(batch).cpu() for batch in data.batches(BATCH)])

    @torch.no_grad()
    def _produce(self, f: Callable[[Tensor | None], Any], n: int, y: Any) -> Any:
        """What f makes of n labels, in the user's terms; sequences of different lengths come with these."""
        self._check_fitted()
        self.net_.eval()
        with torch.device(self._device()):
            made = f(self._labels(y, n))
            return (
                self.codec_.decode(*(part.cpu() for part in made))
                if isinstance(made, tuple)
                else self.codec_.decode(made.cpu())
            )


class Samples(Fitted):
    """Draws from p(x)."""

    def sample(self, n: int = 1, *, y: Any = None, random_state: int | None = None, **options: Any) -> Any:
        """Draw n new examples from p(x), or from p(x given y) where the model is conditional.

        y: a label for all, or one for each; None draws labels as often as they were in the data.
        random_state: the same number gives the same draws.
        Returns (n, ...) in the form and units of the training data.
        """
        self._check_fitted()
        n = positive("n", n)
        if random_state is not None and not (accepts(random_state, int) and 0 <= random_state <= LARGEST_SEED):
            raise VeneroError(f"random_state = {shown(random_state)}: must be None, or an integer from 0 to {LARGEST_SEED}")
        for name in options.keys() - signature(self.net_.sample).parameters.keys():
            raise VeneroError(f"{name} = {shown(options[name])}: {type(self).__name__}.sample has no such option; leave it out")
        with seeded(random_state):
            return self._produce(lambda labels: self.net_.sample(n, labels, **options), n, y)


class Scores(Fitted):
    """Says how probable an example is."""

    score_kind: ClassVar[str] = "exact"  # or "lower bound", or "estimate"

    def score_samples(self, X: Any, y: Any = None) -> np.ndarray:
        """log p(x) of each example in nats and in the user's units (see `score_kind`): (n, ...) -> (n,).

        Repeatable, and a row's score does not depend on the other rows. With y, log p(x given y).
        """
        return self._apply(lambda batch: self._scored(self.net_.log_prob(batch), batch), X, y).numpy()

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`; y is ignored, as scikit-learn's tools expect of a density."""
        return float(self.score_samples(X).mean())

    def bits_per_dim(self, X: Any) -> float:
        """Mean negative log2 p(x) per pixel, channel, column or symbol, of the steps that there are; lower is better."""
        scores = self.score_samples(X)
        if not self.spec_.sequential:
            return -float(scores.mean()) / (log(2) * self.n_dims_)
        steps = self.codec_.lengths(self._check_input(X, reset=False)).sum()  # type: ignore[attr-defined]
        return -float(scores.sum()) / (log(2) * int(steps) * prod(self.spec_.shape[1:]))

    @property
    def n_dims_(self) -> int:
        """Numbers in one example, as the user has it."""
        self._check_fitted()
        return len(self.spec_.columns) or self.spec_.numel

    @property
    def score_of_(self) -> str:
        """What the score is a probability of: scores of different things are not comparable."""
        self._check_fitted()
        return str(getattr(self.net_, "score_of", "density in the data's units"))

    def _scored(self, values: Tensor, batch: Batch) -> Tensor:
        """A network's log-probabilities in the user's units: with the codec's log-determinant, where they are densities."""
        if not getattr(self.net_, "density", True):
            return values
        ends = () if batch.lengths is None else (batch.lengths,)
        return values + self.codec_.log_det(batch.x, *ends).to(values)


class Completes(Fitted):
    """Fills in what is not known of an example."""

    def complete(self, X: Any, known: Any = None, *, length: int | None = None) -> Any:
        """X with its unknown values filled in from the known ones: (n, ...) -> (n, ...), in the user's terms.

        known: True where X is to be kept, of X's shape or of one example's; None: where X is not NaN. Of sequences, a list with
        a mask for each, by step or by value. Known values come back bit for bit.
        length: sequences that are shorter go on to this many steps; None in a sequence of symbols is an unknown one.
        """
        self._check_fitted()
        X = array_or_frame(X, self._taken())
        if self.spec_.sequential:
            return self._complete_sequences(X, known, length)
        if length is not None:
            raise VeneroError(f"length = {shown(length)} is for sequences, and this is {self.spec_.kind} data: leave it out")
        mask = known_cells(X, known)
        data = Data.of(filled(X, mask, blank(self, len(X))), self.codec_, self.spec_, device=self._device())
        masks = to_network(mask, self.spec_).to(self._device()).split(BATCH)
        with torch.no_grad():
            parts = [self.net_.complete(b.x, m).cpu() for b, m in zip(data.batches(BATCH), masks, strict=True)]
        return filled(X, mask, self.codec_.decode(torch.cat(parts)))

    def _complete_sequences(self, X: Any, known: Any, length: int | None) -> Any:
        """The network's complete(x, known, lengths), for sequences with blanks inside and at the end."""
        if "audio" in self._taken():
            raise VeneroError(
                f"{type(self).__name__} saw frames of audio, and clips can't be filled in: complete series instead"
            )
        longest = None if length is None else positive("length", length)
        rows, there = lengthened(X, self.spec_.kind, known, longest, getattr(self.codec_, "alphabet", [None])[0])
        data = Data.of(rows, self.codec_, self.spec_, device=self._device())
        masks, made = padded(there, bool).to(self._device()), []
        with torch.no_grad():
            for at, batch in zip(torch.arange(len(data)).split(BATCH), data.batches(BATCH), strict=True):
                made.append(self.net_.complete(batch.x, masks[at, : batch.x.shape[1]], batch.lengths).cpu())
        return put_back(X, there, self.codec_.decode(joined(made), data.lengths))  # type: ignore[call-arg]


def blank(model: Fitted, n: int) -> Any:
    """n examples that stand for nothing known, in the user's terms: a table's column means, black images."""
    return model.codec_.decode(torch.zeros(n, *model.spec_.shape))


def _with_lengths(batch: Batch) -> tuple[Tensor, ...]:
    return (batch.x,) if batch.lengths is None else (batch.x, batch.lengths)


class Encodes(Fitted):
    """Takes examples to codes."""

    def encode(self, X: Any) -> np.ndarray:
        """The code of each example, without randomness: (n, ...) -> (n, latent_dim) float.

        A model whose code is a series (`net_.code.kind`) gives each sequence's (T, latent_dim): a list, or (n, T, latent_dim)
        of sequences that are equally long.
        """
        code = self._apply(lambda batch: self.net_.encode(*_with_lengths(batch)), X).numpy()
        if getattr(self.net_, "code", self.spec_).kind != "series":
            return code
        lengths = self.codec_.lengths(self._check_input(X, reset=False)).tolist()  # type: ignore[attr-defined]
        return code if len(set(lengths)) == 1 else cut(code, lengths)  # type: ignore[return-value]

    def transform(self, X: Any) -> np.ndarray:
        """`encode`, under scikit-learn's name."""
        return self.encode(X)

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> np.ndarray:
        """Fit, then encode the same examples."""
        return self.fit(X, y, **fit_params).encode(X)  # type: ignore[attr-defined]

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the code's columns: vae0, vae1, ..."""
        self._check_fitted()
        stem = type(self).__name__.lower()
        width = self.net_.code.shape[-1] if self.net_.code.kind == "series" else self.net_.code.numel
        return np.asarray([f"{stem}{i}" for i in range(width)], dtype=object)


class Decodes(Fitted):
    """Takes codes to examples."""

    def decode(self, Z: Any, y: Any = None) -> Any:
        """The example that each code stands for: (n, latent_dim) -> (n, ...) in the user's terms (the mean of p(x given z))."""
        self._check_fitted()
        z = _codes(Z, self.net_.code.numel).to(self._device())

        def decode(labels: Tensor | None) -> Tensor:
            parts = labels.split(BATCH) if labels is not None else repeat(None)
            return torch.cat([self._decode(*pair) for pair in zip(z.split(BATCH), parts, strict=False)])

        return self._produce(decode, len(z), y)

    def _decode(self, z: Tensor, labels: Tensor | None) -> Tensor:
        decoded: Tensor = self.net_.decode(z) if labels is None else self.net_.decode(z, labels)
        return decoded

    def inverse_transform(self, X: Any) -> Any:
        """`decode`, under scikit-learn's name."""
        return self.decode(X)


def _codes(Z: Any, length: int) -> Tensor:
    try:
        with np.errstate(over="ignore"):  # told below
            z = np.asarray(Z, dtype=np.float32)
    except (TypeError, ValueError) as e:
        raise DataError(f"Z = {shown(Z)}: codes must be numbers of shape (n, {length}), as encode returns them") from e
    if z.ndim != 2 or z.shape[1] != length:
        raise DataError(f"Z has shape {z.shape}: must be (n, {length}), as encode returns them")
    if not np.isfinite(z).all():
        raise DataError("Z holds NaN or infinity: codes must be finite single-precision numbers")
    return torch.from_numpy(z.copy())


class Reconstructs(Encodes, Decodes):
    """Both: the code of an example, and back."""

    def reconstruct(self, X: Any, y: Any = None) -> Any:
        """decode(encode(X)), in the user's terms."""
        return self.decode(self.encode(X), y)

    def reconstruction_error(self, X: Any) -> np.ndarray:
        """Squared error of each example's reconstruction, summed over its elements in the network's units: (n,).

        Images are measured on 0..1, continuous columns in standard deviations, categories
        as one-hot; missing cells count nothing.
        """
        return self._apply(lambda b: self.net_.squared_error(b), X).numpy()

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the mean reconstruction error, for tools that pick the highest score; a model that `Scores` has its own."""
        return -float(self.reconstruction_error(X).mean())
