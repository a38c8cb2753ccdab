"""Pictures of a forecast: against the truth, and what was left over."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def forecast_against_truth(
    days: Sequence[str], truth: NDArray[np.float64], forecast: NDArray[np.float64]
) -> Figure:
    """Both over time, °C."""
    figure, axes = _figure()
    when = np.asarray(days, dtype="datetime64[D]")
    axes.plot(when, truth, color="0.45", linewidth=1, label="truth")
    axes.plot(when, forecast, color="tab:blue", linewidth=1.2, label="forecast")
    axes.set(title="Maximum temperature on the hold-out", ylabel="°C")
    axes.legend(frameon=False, loc="upper left")
    figure.autofmt_xdate()
    return figure


def residuals(truth: NDArray[np.float64], forecast: NDArray[np.float64]) -> Figure:
    """Forecast minus truth over the forecast, °C: a slope or a fan would show what the model misses."""
    figure, axes = _figure()
    axes.axhline(0, color="0.6", linewidth=1)
    axes.scatter(forecast, forecast - truth, s=12, alpha=0.6, color="tab:blue", edgecolors="none")
    axes.set(title="Residuals on the hold-out", xlabel="forecast, °C", ylabel="forecast - truth, °C")
    return figure


def report(title: str, text: str, table: Mapping[str, Mapping[str, float]], figures: Sequence[Figure]) -> str:
    """One HTML page that needs nothing but itself.

    Args:
        title: of the page.
        text: a sentence below it.
        table: rows of numbers by name; a number that a row lacks is shown as a dash.
        figures: below the table.
    """
    columns = list(dict.fromkeys(name for row in table.values() for name in row))
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("", *columns))
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th>"
        + "".join(f"<td>{row[c]:.3f}</td>" if c in row else "<td>-</td>" for c in columns)
        + "</tr>"
        for name, row in table.items()
    )
    images = "".join(f'<img alt="" src="data:image/png;base64,{_png(figure)}">' for figure in figures)
    style = (
        "body{font:15px sans-serif;max-width:60em;margin:2em auto}img{width:100%}"
        "td,th{padding:.2em .8em;text-align:right}"
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{style}</style><h1>{html.escape(title)}</h1><p>{html.escape(text)}</p>"
        f"<table><tr>{head}</tr>{rows}</table>{images}</html>\n"
    )


def _figure() -> tuple[Figure, Any]:
    # Not pyplot: it keeps every figure alive and wants to find a screen.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    return figure, figure.subplots()


def _png(figure: Figure) -> str:
    memory = io.BytesIO()
    figure.savefig(memory, format="png", dpi=110)
    return base64.b64encode(memory.getvalue()).decode()
