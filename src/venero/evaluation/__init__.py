"""A fitted model on held-out data: `venero.evaluate` and the Scorecard that it gives."""
