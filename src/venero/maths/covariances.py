"""Sums and densities of K Gaussians of D numbers whose covariances are full, tied, diagonal or spherical.

Inside exp a Gaussian is linear in features of x (products of its numbers, and the numbers): one product of matrices gives the
log-densities of a chunk of rows, and its transpose the sums that new parameters are solved from. Chunks stay in the processor's
cache. Double precision; features cancel, so `about` is to be near the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from venero.maths.gaussian import LOG_2PI
from venero.maths.products import products

AT_ONCE = 2**18  # numbers of a chunk's features: two megabytes
WIDEST = 64  # dimensions up to which products of pairs are features; beyond, each component's are summed by itself


class Sums(NamedTuple):
    """Expected sufficient statistics; `second` is of the kind's own shape (see `Kind.second`)."""

    log_p: Tensor  # () sum of log p(x)
    n: Tensor  # (K,)
    first: Tensor  # (K, D)
    second: Tensor
    entropy: Tensor  # () of the responsibilities


class Gaussians(NamedTuple):
    """K weighted Gaussians; `chol` is a kind's root of the covariance (see `Kind.shape`)."""

    log_weight: Tensor  # (K,)
    mean: Tensor  # (K, D)
    chol: Tensor


@dataclass(frozen=True)
class Kind:
    """What there is to know of a kind of covariance."""

    shape: Callable[[int, int], tuple[int, ...]]  # of the root, for K and D
    second: Callable[[int, int], tuple[int, ...]]  # of the second moments that are summed
    dense: Callable[[Tensor, int, int], Tensor]  # root -> lower triangular roots (K, D, D), or (1, D, D) for all
    logs: Callable[[Tensor, int], Tensor]  # root -> log det of the root, (K,) or (1,)
    of_dense: Callable[[Tensor], Tensor]  # (K, D, D) second moments -> the kind's
    scatter: Callable[[Tensor, Tensor, Tensor], Tensor]  # n, mean, second -> covariance, in the root's shape
    root: Callable[[Tensor], Tensor]  # covariance -> root
    ridge: Callable[[Tensor, float], Tensor]  # covariance + ridge on every variance
    free: Callable[[int, int], int]  # free numbers of the covariances


def _diagonals(root: Tensor, k: int, d: int) -> Tensor:
    return torch.diag_embed(root if root.ndim == 2 else root[:, None].expand(k, d))


def _outer(mean: Tensor) -> Tensor:
    return mean[:, :, None] * mean[:, None]


def _tied(n: Tensor, mean: Tensor, second: Tensor) -> Tensor:
    return (second - (mean.T * n) @ mean) / n.sum()


def _diag(n: Tensor, mean: Tensor, second: Tensor) -> Tensor:
    return (second / n[:, None] - mean**2).clamp_min(0)


def _root(covariance: Tensor) -> Tensor:
    return torch.linalg.cholesky(covariance)


def _on_diagonal(covariance: Tensor, ridge: float) -> Tensor:
    return covariance + ridge * torch.eye(covariance.shape[-1], dtype=covariance.dtype, device=covariance.device)


KINDS: dict[str, Kind] = {
    "full": Kind(
        shape=lambda k, d: (k, d, d),
        second=lambda k, d: (k, d, d),
        dense=lambda root, k, d: root,
        logs=lambda root, d: root.diagonal(dim1=1, dim2=2).log().sum(1),
        of_dense=lambda s: s,
        scatter=lambda n, mean, second: second / n[:, None, None] - _outer(mean),
        root=_root,
        ridge=_on_diagonal,
        free=lambda k, d: k * d * (d + 1) // 2,
    ),
    "tied": Kind(
        shape=lambda k, d: (d, d),
        second=lambda k, d: (d, d),
        dense=lambda root, k, d: root[None],
        logs=lambda root, d: root.diagonal().log().sum()[None],
        of_dense=lambda s: s.sum(0),
        scatter=_tied,
        root=_root,
        ridge=_on_diagonal,
        free=lambda k, d: d * (d + 1) // 2,
    ),
    "diag": Kind(
        shape=lambda k, d: (k, d),
        second=lambda k, d: (k, d),
        dense=_diagonals,
        logs=lambda root, d: root.log().sum(1),
        of_dense=lambda s: s.diagonal(dim1=1, dim2=2),
        scatter=_diag,
        root=torch.sqrt,
        ridge=lambda c, r: c + r,
        free=lambda k, d: k * d,
    ),
    "spherical": Kind(
        shape=lambda k, d: (k,),
        second=lambda k, d: (k, d),
        dense=_diagonals,
        logs=lambda root, d: d * root.log(),
        of_dense=lambda s: s.diagonal(dim1=1, dim2=2),
        scatter=lambda n, mean, second: _diag(n, mean, second).mean(1),
        root=torch.sqrt,
        ridge=lambda c, r: c + r,
        free=lambda k, d: k,
    ),
}


# -- densities -------------------------------------------------------------------------
def log_joint(kind: str, g: Gaussians, x: Tensor) -> Tensor:
    """log w_k N(x; m_k, S_k): (B, D) -> (B, K), from differences, which do not cancel."""
    k, d = g.mean.shape
    if kind in ("diag", "spherical"):
        roots = g.chol.expand(k, d) if kind == "diag" else g.chol[:, None].expand(k, d)
        squares = [(((x - m) / s) ** 2).sum(1) for m, s in zip(g.mean, roots, strict=True)]
    else:
        roots = KINDS[kind].dense(g.chol, k, d).expand(k, d, d)
        solve = torch.linalg.solve_triangular
        squares = [(solve(s, (x - m).T, upper=False) ** 2).sum(0) for m, s in zip(g.mean, roots, strict=True)]
    return g.log_weight - KINDS[kind].logs(g.chol, d) - 0.5 * d * LOG_2PI - 0.5 * torch.stack(squares, 1)


# -- sums ------------------------------------------------------------------------------
def sums(kind: str, g: Gaussians, x: Tensor, weight: Tensor | None = None) -> Sums:
    """Expected sums over complete rows: (B, D) float32 or float64, with row weights (B,)."""
    if kind == "full" and x.shape[1] > WIDEST:
        return _wide_sums(g, x, weight)
    k, d = g.mean.shape
    linear, constant, features, rest = _features(kind, g)
    width = linear.shape[1]
    total = linear.new_zeros(k, width)
    scalars = linear.new_zeros(2)
    n, second = linear.new_zeros(k), linear.new_zeros(d, d)
    size = max(64, AT_ONCE // width)
    size = max(1, -(-len(x) // max(1, -(-len(x) // size))))  # chunks of one size, for one piece of memory
    space = linear.new_empty(width, min(size, len(x)))
    for part, w in _parts(x, weight, size):
        t = part.T.double().contiguous()  # (D, b)
        phi = features(t, space if t.shape[1] == space.shape[1] else linear.new_empty(width, t.shape[1]))
        joint = torch.addmm(constant[:, None], linear, phi)  # (K, b)
        share, log_p, entropy = responsibilities(joint, w)
        scalars += torch.stack([(log_p + rest(t)) @ w if w is not None else (log_p + rest(t)).sum(), entropy])
        total.addmm_(share, phi.T)
        n += share.sum(1)
        if kind == "tied":
            second.addmm_(t if w is None else t * w, t.T)
    first = total[:, -d:].contiguous()
    moments = second if kind == "tied" else _unpacked(total[:, :-d], d) if kind == "full" else total[:, :d].contiguous()
    return Sums(scalars[0], n, first, moments, scalars[1])


def responsibilities(joint: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Shares (K, b), times the rows' weights, log p (b,) and the shares' entropy () of log-joints (K, b)."""
    log_p = joint.logsumexp(0)
    share = joint.sub_(log_p).exp()
    if weight is not None:
        return share.mul_(weight), log_p, -torch.xlogy(share, share / weight.clamp_min(1e-300)).sum()
    return share, log_p, -(share * joint.clamp_min(-1e300)).sum()


def _parts(x: Tensor, weight: Tensor | None, size: int) -> Iterator[tuple[Tensor, Tensor | None]]:
    for start in range(0, len(x), size):
        yield x[start : start + size], None if weight is None else weight[start : start + size]


def _features(kind: str, g: Gaussians) -> tuple[Tensor, Tensor, Callable[..., Tensor], Callable[[Tensor], Tensor | float]]:
    """log w_k N(x) = linear @ features(x) + constant + rest(x): (K, P), (K,), and the two functions of (D, b)."""
    k, d = g.mean.shape
    constant = g.log_weight - KINDS[kind].logs(g.chol, d) - 0.5 * d * LOG_2PI
    if kind in ("diag", "spherical"):
        sharp = (g.chol**-2).reshape(k, -1).expand(k, d)
        tilt = g.mean * sharp
        return torch.cat([-0.5 * sharp, tilt], 1), constant - 0.5 * (tilt * g.mean).sum(1), _squares, _nothing
    sharp = torch.cholesky_inverse(KINDS[kind].dense(g.chol, k, d))  # (K or 1, D, D)
    tilt = (sharp @ g.mean[:, :, None])[..., 0]
    constant = constant - 0.5 * (tilt * g.mean).sum(1)
    if kind == "tied":
        return tilt, constant, lambda t, out: t, lambda t: -0.5 * (t * (sharp[0] @ t)).sum(0)
    rows, columns = torch.triu_indices(d, d)
    packed = sharp[:, rows, columns] * torch.where(rows == columns, -0.5, -1.0).to(sharp)
    return torch.cat([packed, tilt], 1), constant, _products, _nothing


def _nothing(t: Tensor) -> float:
    return 0.0


def _squares(t: Tensor, out: Tensor) -> Tensor:
    torch.mul(t, t, out=out[: len(t)])
    out[len(t) :] = t
    return out


def _products(t: Tensor, out: Tensor) -> Tensor:
    """Products of every pair of numbers, then the numbers: (D, b) -> (D (D + 1) / 2 + D, b)."""
    if t.device.type == "cpu":
        products(t.numpy(), out.numpy())
        return out
    rows, columns = torch.triu_indices(len(t), len(t), device=t.device)
    torch.cat([t[rows] * t[columns], t], out=out)
    return out


def _unpacked(packed: Tensor, d: int) -> Tensor:
    """(K, D (D + 1) / 2) upper triangles -> (K, D, D) symmetric."""
    rows, columns = torch.triu_indices(d, d)
    out = packed.new_empty(len(packed), d, d)
    out[:, rows, columns] = packed
    out[:, columns, rows] = packed
    return out


def _wide_sums(g: Gaussians, x: Tensor, weight: Tensor | None) -> Sums:
    """Full covariances of many dimensions: each component's products by themselves."""
    x = x.double()
    share, log_p, entropy = responsibilities(log_joint("full", g, x).T.contiguous(), weight)  # (K, B)
    second = torch.stack([(x.T * s) @ x for s in share])
    return Sums(log_p.sum() if weight is None else log_p @ weight, share.sum(1), share @ x, second, entropy)
