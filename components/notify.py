"""The component that ends a pipeline run, however it went."""

from kfp.dsl import PipelineTaskFinalStatus

from components.support.component import component


@component
def notify(status: PipelineTaskFinalStatus, model_name: str) -> None:
    """Closes the run's MLflow parent, removes what it left deployed, and says how it ended.

    The message goes to the log and, where that is set, to NOTIFY_WEBHOOK_URL as JSON: `text`, `pipeline`,
    `run_id`, `state`, `error`, `mlflow_run`. None of the three can fail the run.

    Args:
        status: how the pipeline ended.
        model_name: of the service.
    """
    import logging
    import os

    from components.support.closing import attempt
    from components.support.context import Context
    from components.support.deployment import local_run_id
    from components.support.tracking import close_pipeline_run
    from components.support.webhook import post
    from pipelines.sdk.serving.local import discard

    context = Context.read()
    mlflow_run = attempt("close the MLflow run", lambda: close_pipeline_run(status.state))
    if "KUBERNETES_SERVICE_HOST" not in os.environ:
        attempt("remove the challenger", lambda: discard(model_name, local_run_id()))
    text = f"{context.pipeline or 'pipeline'} {context.run_id}: {status.state}"
    if status.error_message:
        text += f" - {status.error_message}"
    logging.log(logging.INFO if status.state == "SUCCEEDED" else logging.ERROR, "%s", text)
    message = {
        "text": text,
        "pipeline": context.pipeline,
        "run_id": context.run_id,
        "state": status.state,
        "error": status.error_message or "",
        "mlflow_run": mlflow_run or "",
    }
    if webhook := os.environ.get("NOTIFY_WEBHOOK_URL"):
        attempt("call NOTIFY_WEBHOOK_URL", lambda: post(webhook, message))
