"""The component that judges: challenger, champion and baseline on the same days."""

from typing import NamedTuple

from kfp.dsl import HTML, Dataset, Input, Metrics, Output

from components.support.component import component


@component
def evaluate_model(
    holdout: Input[Dataset],
    model_ids: list[str],
    scores: list[float],
    model_name: str,
    metrics: Output[Metrics],
    report: Output[HTML],
    gate: str = "enforce",
    metric: str = "mae",
    data_hash: str = "",
    as_of: str = "",
) -> NamedTuple(  # type: ignore[valid-type]
    "Evaluated", [("passed", bool), ("reason", str), ("model_id", str), ("champion_version", str)]
):
    """Chooses the challenger by validation score, then compares it on the hold-out, which never chooses.

    Columns: as in `train_model`.

    Args:
        holdout: days that no candidate has seen.
        model_ids: MLflow's ids of the candidates.
        scores: their mean absolute errors on the validation part, in the same order; a tie goes to the first.
        model_name: of the registered model whose alias `champion` is compared.
        metrics: of challenger, champion and baseline (tomorrow is like today), also by season.
        report: the same as a page, with forecast against truth and residuals.
        gate: `enforce` deploys only what beats baseline and champion, `report` deploys and says what
            `enforce` would have done, `off` deploys without judging.
        metric: by which the gate judges: `mae`, `rmse`, `bias` or `skill`.
        data_hash: of the data, for the tags.
        as_of: last day of the data, for the tags.

    Returns:
        passed: whether the challenger is to be deployed.
        reason: why.
        model_id: the challenger.
        champion_version: of the registered model at this moment; empty where there is no champion.
    """
    import logging
    from pathlib import Path

    from components.support import plots
    from components.support.comparison import compare
    from components.support.store import connect
    from components.support.tracking import record, record_figure, step_run, tag_pipeline_run
    from components.support.weather import read_table

    with step_run("evaluate-model", {"data_hash": data_hash, "as_of": as_of}):
        tag_pipeline_run({"data_hash": data_hash, "as_of": as_of})
        rows = read_table(holdout.path)
        result = compare(connect(), rows, model_ids, scores, model_name, gate, metric)

        numbers = {name: scored.flat(f"{name}_") for name, scored in result.scores.items()}
        merged = {key: value for values in numbers.values() for key, value in values.items()}
        for key, value in merged.items():
            metrics.log_metric(key, value)
        verdict = {"passed": str(result.verdict.passed), "reason": result.verdict.reason}
        record({"gate": gate, "metric": metric, "challenger": result.model_id}, merged, verdict)

        truth, forecast = rows["target"].to_numpy(), result.forecast
        days = rows["target_date"].dt.strftime("%Y-%m-%d").tolist()
        figures = {
            "forecast_against_truth.png": plots.forecast_against_truth(days, truth, forecast),
            "residuals.png": plots.residuals(truth, forecast),
        }
        for name, figure in figures.items():
            record_figure(figure, name)
        table = {name: scored.flat() for name, scored in result.scores.items()}
        title = f"{model_name}: challenger, champion and baseline on the hold-out"
        page = plots.report(title, result.verdict.reason, table, list(figures.values()))
        Path(report.path).write_text(page, encoding="utf-8")
    logging.info("%s: %s", "passed" if result.verdict.passed else "not passed", result.verdict.reason)
    return (result.verdict.passed, result.verdict.reason, result.model_id, result.champion_version)
