"""The component that brings a model up beside the one that serves."""

from components.support.component import component


@component
def deploy_model(model_id: str, model_name: str, version: str) -> str:
    """Starts a server for the new model. Nobody is sent to it yet, and whoever serves goes on.

    Args:
        model_id: MLflow's id of the model.
        model_name: of the service.
        version: of the registered model.

    Returns:
        The new server's address.
    """
    import logging
    import os

    from components.support.deployment import local_run_id
    from components.support.tracking import record, step_run
    from pipelines.sdk.serving.local import start_challenger

    with step_run("deploy-model"):
        endpoint = start_challenger(
            # Every step of a run has the same parent: while it lives, somebody will test and promote.
            model_name,
            f"models:/{model_id}",
            version,
            local_run_id(),
            owner=os.getppid(),
        )
        record(params={"model_id": model_id, "version": version, "url": endpoint.url})
    logging.info("%s version %s answers at %s", model_name, version, endpoint.url)
    return endpoint.url
