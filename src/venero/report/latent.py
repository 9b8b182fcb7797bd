"""The sections about the latent space: its map, the decoded plane, the ways between examples, what each dimension carries."""

from __future__ import annotations

import numpy as np

from venero.plots import curves, images
from venero.plots.latent import latent_map
from venero.report import facts
from venero.report.blocks import Note, Picture, Pictures, Section
from venero.report.figures import picture
from venero.report.subject import Subject, spread
from venero.report.words import number, plural

GRID = 16  # points along each side of the decoded plane
PATHS, STEPS = 6, 9


def map_(s: Subject) -> Section | None:
    if not hasattr(s.model, "encode") or s.stepwise:
        return None
    labels = s.classes if s.classes is not None else s.shown.y
    figure = latent_map(s.codes, labels, s.class_names)
    plane = (
        "The two numbers of its code are its place."
        if s.latent_dim == 2
        else f"Of the {s.latent_dim} numbers of its code, the plane in which codes vary most is seen."
    )
    lead = f"Every point is one of {plural(len(s.shown), 'held-out ' + s.noun)}. {plane} Neighbours have similar codes."
    if s.classes is not None:
        lead += " Colour and marker are its class"
        lead += (
            "."
            if s.conditional
            else ", which training did not see: classes that lie apart were told apart by the model itself."
        )
    if s.latent_dim == 2:
        lead += " Inside the dashed circle lie 95 % of a unit Gaussian, from which a variational auto-encoder draws new codes."
    alt = f"Latent map of {len(s.shown)} held-out {s.noun}s."
    notes = [Note(facts.neighbours(s))] if s.knn else []
    return Section("latent", "Latent map", lead, [Pictures([picture(figure, alt)]), *notes])


def manifold(s: Subject) -> Section | None:
    if not (s.pictures and s.codes_and_back and not s.conditional and s.latent_dim == 2):
        return None
    lead = (
        "Every place of the latent plane, decoded: a walk through all that the model can draw. The steps between codes are "
        "finer where codes are denser. Sudden changes, or pictures of nothing, are holes."
    )
    return Section("manifold", "Decoded plane", lead, [Pictures([decoded_plane(s)])])


def decoded_plane(s: Subject, *, width: float = 560) -> Picture:
    """The plane of a two-dimensional code, decoded over the quantiles of the codes' own spread."""
    grid = images.gaussian_grid(GRID, s.codes.mean(axis=0).tolist(), s.codes.std(axis=0).tolist())
    return picture(
        images.manifold(s.model.decode(grid), grid, width=width), f"{GRID} by {GRID} pictures decoded from a grid of codes."
    )


def interpolations(s: Subject) -> Section | None:
    if not (s.pictures and s.codes_and_back) or s.conditional or len(s.shown) < 2:
        return None
    lead = (
        "At both ends real images, between them what the decoder makes of the codes on the straight line from one to the "
        "other. In a good latent space every step is a believable image; two pictures that fade over each other are a sign "
        "of a hole."
    )
    return Section("interpolations", "Interpolations", lead, [Pictures([between(s)])])


def between(s: Subject, *, width: float = 720) -> Picture:
    """Strips from held-out images to others, of another class where there are classes."""
    from venero.tasks.interpolate import interpolate

    order = spread(s.shown, 2 * min(PATHS, len(s.shown) // 2))
    a, b = (s.shown.take(rows).X for rows in (order[::2], order[1::2]))
    figure = images.strips(interpolate(s.model, a, b, STEPS), (a, b), width=width)
    return picture(figure, f"{len(a)} rows of pictures that change step by step from one held-out image into another.")


def dimensions(s: Subject) -> Section | None:
    if not hasattr(s.model, "latent_kl"):
        return None
    kl = np.asarray(s.model.latent_kl(s.shown.X)).mean(axis=0)
    used = int(s.in_use.sum())
    lead = (
        f"How much each number of the code says of the {s.noun}, in nats, on average over held-out data; "
        f"{number(float(kl.sum()))} nats together. {used} of {s.latent_dim} are in use: their posterior mean varies over the "
        "data by more than 0.01. One that is not in use costs nothing and carries nothing; many of them mean that a shorter "
        "code would do, or that the posterior has collapsed."
    )
    figure = curves.kl_bars(kl, s.in_use)
    return Section(
        "dimensions",
        "What each latent dimension carries",
        lead,
        [Pictures([picture(figure, f"Bars: KL of {s.latent_dim} latent dimensions, {used} in use.")])],
    )
