"""Figures of merit: arrays in, a number with its interval out. Nothing here knows a model; functions are asked for instead."""
