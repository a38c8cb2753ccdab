"""The component that gives a model a version."""

from kfp.dsl import Input, Metrics

from components.support.component import component


@component
def register_model(
    model_id: str, model_name: str, metrics: Input[Metrics], data_hash: str = "", as_of: str = ""
) -> str:
    """Registers the challenger and lets the alias `challenger` name it. The same model keeps its version.

    Args:
        model_id: MLflow's id of the model.
        model_name: of the registered model.
        metrics: of the evaluation; the challenger's become tags.
        data_hash: of the data it learned from, for the tags.
        as_of: last day of that data, for the tags.

    Returns:
        The version.
    """
    import logging

    from components.support.context import Context
    from components.support.registry import register, set_alias
    from components.support.store import connect
    from components.support.tracking import RUN_ID_TAG, record, step_run

    prefix = "challenger_"
    with step_run("register-model"):
        scores = {k: f"{v:.6g}" for k, v in metrics.metadata.items() if k.startswith(prefix)}
        tags = {
            RUN_ID_TAG: Context.read().run_id,
            "data_hash": data_hash,
            "as_of": as_of,
            **{key.removeprefix(prefix): value for key, value in scores.items()},
        }
        client = connect()
        version = register(client, model_name, model_id, tags)
        set_alias(client, model_name, "challenger", version)
        record(params={"model_name": model_name, "model_id": model_id, "version": version})
    logging.info("%s version %s is %s", model_name, version, model_id)
    return version
