"""The component that asks a new server before anybody else does."""

from typing import NamedTuple

from kfp.dsl import Dataset, Input

from components.support.component import component


@component
def smoke_test(
    holdout: Input[Dataset],
    url: str,
    model_id: str,
    model_name: str,
    rows: int = 20,
) -> NamedTuple("Tested", [("answer", float), ("rows", int)]):  # type: ignore[valid-type]
    """Checks that the server has the new model, and that it answers as MLflow does, to the last bit.

    Columns: as in `train_model`.

    Args:
        holdout: days to ask for.
        url: of the server.
        model_id: MLflow's id of the model that must be there.
        model_name: of the service.
        rows: how many days to ask for, each with all it has and once more with the temperature alone.

    Returns:
        answer: to a day of 12.8 °C of which nothing else is known, °C.
        rows: how many answers were compared.
    """
    import logging

    import pandas as pd

    from components.support.deployment import QUESTION, body, check_answers, check_identity, sample
    from components.support.store import connect
    from components.support.tracking import record, step_run
    from components.support.trained import ask
    from components.support.weather import read_table
    from pipelines.sdk.serving.client import predict

    with step_run("smoke-test"):
        check_identity(url, model_name, model_id)
        client = connect()
        full = sample(read_table(holdout.path), rows)
        question = pd.DataFrame(QUESTION["data"], columns=QUESTION["columns"])
        compared = 0
        for table in (full, full[["temp"]], question):
            answers = predict(url, body(table))
            check_answers(answers, ask(client, model_id, table), url)
            compared += len(answers)
        answer = float(answers[0])
        record(params={"model_id": model_id, "url": url}, metrics={"answer": answer, "compared": compared})
    logging.info("%d answers are MLflow's; 12.8 °C gives %.2f °C", compared, answer)
    return (answer, compared)
