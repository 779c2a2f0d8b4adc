"""Plotly's graph objects, for all who draw figures: after pandas.

Plotly asks whether what it draws is pandas' as soon as it sees that somebody imports pandas; in
the middle of that import, in another visitor's thread, the question fails. So pandas comes first.
"""

import pandas  # noqa: F401
import plotly.graph_objects as go

__all__ = ["go"]
