"""Pictures: data in, a matplotlib Figure out. Nothing here knows a model, and no global state is touched.

Sizes are in CSS pixels (96 to the inch), so that a figure stands in a page at its natural size.
"""
