"""The component that makes a model the one that serves."""

from typing import NamedTuple

from components.support.component import component


@component
def promote_model(
    model_id: str,
    model_name: str,
    version: str,
    champion_version: str = "",
) -> NamedTuple("Promoted", [("promoted", bool), ("url", str)]):  # type: ignore[valid-type]
    """Sends users to the new server, then moves the aliases: `previous` first, `champion` last.

    Where another run promoted a model since this one was compared, nothing changes: of runs that end at the
    same time the first wins, and the next run compares with it.

    Args:
        model_id: MLflow's id of the model.
        model_name: of the registered model and of the service.
        version: of the registered model.
        champion_version: the champion that it was compared with; empty where there was none.

    Returns:
        promoted: whether it serves now.
        url: the address that serves; empty where none does.
    """
    import logging
    from contextlib import nullcontext

    from components.support.context import Context
    from components.support.deployment import local_run_id
    from components.support.registry import move_champion, overtaken
    from components.support.store import connect, locked
    from components.support.tracking import record, step_run, tag_pipeline_run
    from pipelines.sdk.errors import Finding, PipelineError
    from pipelines.sdk.serving import local

    folder = Context.read().lock_folder
    with step_run("promote-model"):
        client, run_id = connect(), local_run_id()
        # Two runs that end at once: the second one must see what the first one promoted.
        with locked(folder) if folder else nullcontext():
            if reason := overtaken(client, model_name, version, champion_version):
                logging.warning("not promoted: %s", reason)
                record(params={"version": version}, tags={"promoted": "False", "reason": reason})
                serving = local.current(model_name)
                return (False, serving.url if serving else "")
            # A retry after the switch finds the model serving.
            endpoint = local.challenger(model_name, run_id) or local.current(model_name)
            if endpoint is None or endpoint.model_id != model_id:
                what = f"no server has {model_id}"
                raise PipelineError(Finding(what, f"service {model_name}", "deploy again"))
            local.switch(model_name, endpoint)
            move_champion(client, model_name, version, champion_version)
        record(params={"version": version, "previous": champion_version, "url": endpoint.url})
        record(tags={"promoted": "True"})
        tag_pipeline_run({"promoted_version": version})
    logging.info("%s version %s serves at %s", model_name, version, endpoint.url)
    return (True, endpoint.url)
