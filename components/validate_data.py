"""The component that lets no broken data into a pipeline run."""

from typing import NamedTuple

from kfp.dsl import HTML, Dataset, Input, Output

from components.support.component import component


@component
def validate_data(
    data: Input[Dataset], report: Output[HTML], valid: Output[Dataset], max_gap_days: int = 3
) -> NamedTuple("Validated", [("rows", int), ("warnings", int)]):  # type: ignore[valid-type]
    """Checks the data and hands on a typed table; fails, naming line, column and value, where it is unfit.

    Columns that must be there, in any order: `date` (2012/01/31 or 2012-01-31; each day once, in order),
    `precipitation` (mm, 0 to 2000), `temp_max` and `temp_min` (°C, -50 to 60, the minimum not above the
    maximum), `wind` (m/s, 0 to 120), `weather` (drizzle, fog, rain, snow or sun). Others are left out.

    Args:
        data: CSV text.
        report: what was found, as an HTML page; written in any case.
        valid: the columns above as CSV, days as 2012-01-31.
        max_gap_days: this many missing days in a row are a warning, more are an error.

    Returns:
        rows: number of rows.
        warnings: number of findings with which the data can be used all the same.
    """
    import logging
    from pathlib import Path

    from components.support.checks import examine
    from components.support.errors import StepFailed
    from components.support.tracking import record, step_run
    from components.support.validation_report import render
    from components.support.weather import COLUMNS, write_table
    from pipelines.sdk.errors import Finding

    with step_run("validate-data", optional=True):
        shown = 20
        if max_gap_days < 0:
            raise StepFailed(Finding(f"{max_gap_days} is negative", "max_gap_days", "give 0 or more days"))
        source = str(data.metadata.get("source", ""))
        examination = examine(Path(data.path).read_bytes(), max_gap_days)
        Path(report.path).write_text(render(examination, source), encoding="utf-8")
        for warning in examination.warnings[:shown]:
            logging.warning("%s", warning)

        errors = examination.errors
        found = {"rows": examination.rows, "errors": len(errors), "warnings": len(examination.warnings)}
        record({"max_gap_days": max_gap_days}, found)
        if errors:
            listed = "".join(f"\n  {error}" for error in errors[:shown])
            rest = f"\n  and {len(errors) - shown} more" if len(errors) > shown else ""
            count = f"{len(errors)} problem{'s' if len(errors) > 1 else ''} in {examination.rows} rows"
            mend = (
                f"mend the source and run again; the report has the whole list: {report.uri or report.path}"
            )
            raise StepFailed(Finding(f"{count}{listed}{rest}", source or "data", mend))

        table = examination.table[list(COLUMNS)].reset_index(drop=True)
        valid.metadata.update(write_table(table, valid.path), source=source)
        logging.info("%d rows are valid, with %d warnings", examination.rows, len(examination.warnings))
        return (examination.rows, len(examination.warnings))
