"""The component that brings the data into a pipeline run."""

from typing import NamedTuple

from kfp.dsl import Dataset, Output

from components.support.component import component


@component
def ingest_data(
    data: Output[Dataset], source: str = "", as_of: str = "", scheduled_time: str = ""
) -> NamedTuple("Ingested", [("rows", int), ("data_hash", str), ("as_of", str)]):  # type: ignore[valid-type]
    """Fetches daily weather as CSV and cuts it at the last day that the run may use.

    Columns: `date` (2012/01/31 or 2012-01-31), `precipitation` (mm), `temp_max` and `temp_min` (°C), `wind`
    (m/s), `weather` (drizzle, fog, rain, snow or sun). Only the date is looked at here.

    Args:
        data: the CSV text, in UTF-8; each row on the line that it has in the source.
        source: path, https:// or gs:// address of the CSV file; where empty, the dataset shipped with the
            project.
        as_of: last day, inclusive, whose data may be used, as 2015-12-31; where empty, the day before
            `scheduled_time`; where that is empty too, every day may be used.
        scheduled_time: when the run was meant to start, as 2026-11-23T02:00:00Z.

    Returns:
        rows: number of rows that are left.
        data_hash: SHA-256 of their text.
        as_of: the day asked for, or else the last day in the data.
    """
    import hashlib
    import logging
    from pathlib import Path

    from components.support import storage
    from components.support.days import last_usable_day
    from components.support.errors import StepFailed
    from components.support.records import Unreadable, decode, until
    from components.support.tracking import record, step_run, tag_pipeline_run
    from pipelines.sdk.errors import Finding

    with step_run("ingest-data", optional=True):
        where = storage.shown(source)
        last_day = last_usable_day(as_of, scheduled_time)
        try:
            excerpt = until(decode(storage.read(source)), last_day)
        except Unreadable as error:
            mend = "give a CSV file with a header line"
            raise StepFailed(Finding(error.reason, f"{where}, line {error.line}", mend)) from None
        if excerpt.first_cut and not excerpt.rows:
            what = f"has no data up to {last_day}: its first day is {excerpt.first_cut}"
            raise StepFailed(Finding(what, where, "choose a later as_of"))

        content = excerpt.text.encode()
        Path(data.path).write_bytes(content)
        data_hash = hashlib.sha256(content).hexdigest()
        effective = str(last_day or excerpt.last_day or "")
        data.metadata.update(
            rows=excerpt.rows,
            first_day=str(excerpt.first_day or ""),
            last_day=str(excerpt.last_day or ""),
            as_of=effective,
            data_hash=data_hash,
            source=where,
        )
        logging.info("%s: %d rows up to %s, SHA-256 %s", where, excerpt.rows, excerpt.last_day, data_hash)
        record({"source": where, "as_of": effective}, {"rows": excerpt.rows}, {"data_hash": data_hash})
        tag_pipeline_run({"data_hash": data_hash, "as_of": effective})
        return (excerpt.rows, data_hash, effective)
