"""Whether a server may serve a model: the serving closure, the model's own code, and its requirements."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import mlflow
import pandas as pd
import pytest
import yaml
from sklearn.linear_model import LinearRegression

from components.support import models
from pipelines.sdk.errors import Exit, report
from pipelines.sdk.serving.models import closure, trust
from pipelines.sdk.serving.models.closure import SkewedModel, closure_hash, serving_closure
from pipelines.sdk.serving.models.served import load
from tests.conftest import ROOT

DAYS = pd.DataFrame(
    {
        "date": pd.date_range("2015-01-01", periods=400),
        "temp": [float(day % 30) for day in range(400)],
        "target": [float((day + 1) % 30) for day in range(400)],
        "target_date": pd.date_range("2015-01-02", periods=400),
    }
)
# A process that has imported the project's feature code, and others of its modules, before it loads a model.
ANSWERS = """
import json, sys
import components.support.days, components.support.features
from pipelines.sdk.errors import PipelineError, report
from pipelines.sdk.serving.models.served import load
import pandas
try:
    model = load(sys.argv[1], "weather", allow_skew="--allow-skew" in sys.argv)
except PipelineError as error:
    sys.exit(report(error))
print(json.dumps(model.predict(pandas.DataFrame({"temp": [12.8, 20.0]}), None).tolist()))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Iterator[Path]:
    """A model as the pipelines log it."""
    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home}/mlflow.db")
        experiment = mlflow.create_experiment("train", artifact_location=str(home / "artifacts"))
        with mlflow.start_run(experiment_id=experiment):
            fitted = models.fit({"name": "ridge", "alpha": 1.0}, DAYS)
            model_id = models.log(fitted, DAYS, {})
        yield Path(mlflow.artifacts.download_artifacts(f"models:/{model_id}", dst_path=str(home / "here")))


@pytest.fixture
def model(trained, tmp_path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(trained, tmp_path / "model"))


def card(model: Path) -> dict:
    return yaml.safe_load((model / "MLmodel").read_text())


def record(model: Path, **changes: object) -> str:
    """Let a model say that it was trained with other packages; the hash of that."""
    content = card(model)
    parts = {**content["metadata"]["serving_packages"], **changes}
    parts = {name: value for name, value in parts.items() if value is not None}
    content["metadata"] = {"serving_packages": parts, "serving_closure": closure_hash(parts)}
    (model / "MLmodel").write_text(yaml.safe_dump(content))
    return closure_hash(parts)


def feature_code(model: Path) -> Path:
    return model / "code" / "components" / "support" / "features.py"


def run(*command: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=env)


def answers(model: Path, *options: str) -> list[float]:
    done = run(sys.executable, "-c", ANSWERS, str(model), *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_closure_is_the_packages_of_the_lock_python_and_the_feature_code():
    found = serving_closure()
    assert found["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert found["scikit-learn"] == version("scikit-learn")
    assert found["mlflow"] == version("mlflow-skinny") == version("mlflow")
    assert set(found) == {"python", *closure.PACKAGES, "features"}
    hash_ = closure_hash(found)
    assert closure_hash(dict(reversed(found.items()))) == hash_
    assert all(closure_hash({**found, name: "0"}) != hash_ for name in found)
    assert closure.described().splitlines()[:2] == [hash_, f"python {found['python']}"]
    assert closure.runtime_name(hash_) == f"mlflow-{hash_}"


def test_the_command_prints_the_closure_for_who_builds_an_image():
    done = run(sys.executable, "-m", "pipelines.sdk.serving", "--closure")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == closure_hash(serving_closure())
    assert done.stdout == closure.described() + "\n"


def test_a_model_that_was_trained_here_is_served_without_a_word(trained, caplog):
    assert card(trained)["metadata"].items() >= closure.record().items()
    before = sys.modules["components.support.features"]
    assert load(str(trained), "weather").model_id.startswith("m-")
    assert not caplog.records
    assert sys.modules["components.support.features"] is before, "the same code is not imported anew"


def test_another_closure_is_refused_with_each_difference(model):
    other = record(model, **{"scikit-learn": "1.8.0", "python": "3.12", "numpy": None, "xgboost": "3.1.0"})
    with pytest.raises(SkewedModel) as caught:
        load(str(model), "weather")
    assert report(caught.value).splitlines() == [
        f"error: python: trained with 3.12, here {serving_closure()['python']}",
        f"error: numpy: trained with none, here {version('numpy')}",
        f"error: scikit-learn: trained with 1.8.0, here {version('scikit-learn')}",
        "error: xgboost: trained with 3.1.0, here none",
        f"error: {model}: the model was trained in serving closure {other}, which is not this server's",
        f"    -> serve it with the image or runtime mlflow-{other},"
        " or accept other predictions with --allow-skew",
    ]


def test_another_closure_is_served_with_a_warning_where_that_is_accepted(model, caplog):
    record(model, skops="0.1")
    assert load(str(model), "weather", allow_skew=True).model_id
    assert caplog.messages == [f"{model}: skops: trained with 0.1, here {version('skops')}"]


def test_the_command_ends_with_its_own_code_and_no_trace(model):
    record(model, pandas="1.0")
    done = run(sys.executable, "-m", "pipelines.sdk.serving", str(model), "--port", "0")
    assert done.returncode == Exit.ENVIRONMENT
    assert done.stderr.startswith(f"error: pandas: trained with 1.0, here {version('pandas')}\n")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"serving_closure": "0123456789ab"}, "does not say what its closure 0123456789ab is made of"),
        ({"serving_closure": "0123456789ab", "serving_packages": ["numpy"]}, "does not say what"),
        ({"serving_closure": "0123456789ab", "serving_packages": serving_closure()}, "not 0123456789ab"),
        ({"serving_closure": ["a"], "serving_packages": serving_closure()}, "not \\['a'\\]"),
    ],
)
def test_a_record_that_cannot_be_believed_is_refused(model, metadata, why):
    content = card(model)
    (model / "MLmodel").write_text(yaml.safe_dump({**content, "metadata": metadata}))
    with pytest.raises(SkewedModel, match=why):
        load(str(model), "weather")


@pytest.mark.parametrize("metadata", [None, {}, {"owner": "somebody"}])
def test_a_model_that_says_nothing_of_a_closure_is_served(model, metadata):
    (model / "MLmodel").write_text(yaml.safe_dump({**card(model), "metadata": metadata}))
    assert load(str(model), "weather").model_id


def test_feature_code_that_was_changed_after_the_training_is_refused(model):
    feature_code(model).write_text(feature_code(model).read_text() + "\n")
    with pytest.raises(SkewedModel, match=r"feature code: trained with \w{12}, the model now brings \w{12}"):
        load(str(model), "weather")
    feature_code(model).unlink()
    with pytest.raises(SkewedModel, match=r"feature code: trained with \w{12}, the model now brings none"):
        load(str(model), "weather")


def test_a_models_own_code_runs_and_not_the_projects_though_that_was_imported_before(trained, model):
    warmer = feature_code(model).read_text().replace("_column(table[name])", "10 + _column(table[name])")
    assert warmer != feature_code(model).read_text()
    feature_code(model).write_text(warmer)
    record(model, features=serving_closure(model / "code")["features"])

    usual, own = answers(trained), answers(model)
    assert own != usual
    alone = run(
        sys.executable,
        "-I",
        "-c",
        "import mlflow, pandas, sys; model = mlflow.pyfunc.load_model(sys.argv[1]);"
        "print(model.predict(pandas.DataFrame({'temp': [12.8, 20.0]})).tolist())",
        str(model),
    )
    assert own == json.loads(alone.stdout.splitlines()[-1])


def test_a_model_that_brings_another_state_of_the_servers_package_is_refused(model):
    package = model / "code" / "pipelines"
    (package / "sdk").mkdir(parents=True)
    for name in ("__init__.py", "sdk/__init__.py", "sdk/errors.py"):
        shutil.copy(ROOT / "pipelines" / name, package / name)
    usual = answers(model)
    (package / "sdk" / "errors.py").write_text("OTHER = True\n")
    with pytest.raises(SkewedModel, match="its own pipelines, but what runs is the server's"):
        load(str(model), "weather")
    assert answers(model, "--allow-skew") == usual


@pytest.mark.parametrize("name", ["yaml", "json", "time", "pandas"])
def test_a_module_that_the_server_runs_on_is_not_taken_from_under_it(model, name):
    (model / "code" / f"{name}.py").write_text("raise ImportError('this is not what the server uses')")
    before = sys.modules[name]
    with pytest.raises(SkewedModel, match=f"the model brings its own {name}, but what runs is the server's"):
        load(str(model), "weather")
    assert sys.modules[name] is before


def test_files_beside_a_models_code_and_its_programs_are_nobodys_modules(model):
    for name in ("__main__.py", "__pycache__/x.pyc", "notes.txt", "data/table.csv"):
        (model / "code" / name).parent.mkdir(exist_ok=True)
        (model / "code" / name).write_text("raise SystemExit")
    assert load(str(model), "weather").model_id


def save(folder: Path, requirements: list[str]) -> Path:
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    mlflow.sklearn.save_model(
        LinearRegression().fit(frame, [1, 2]), str(folder), pip_requirements=requirements
    )
    return folder


def test_a_model_of_somebody_else_is_served_with_one_line_about_other_packages(tmp_path, caplog):
    wanted = [
        "mlflow==3.0.0",
        "scikit-learn==1.8.0",
        "numpy",
        f"pandas=={version('pandas')}",
        "no-such-package>=2",
        'pywin32==1 ; sys_platform == "win32"',
    ]
    folder = save(tmp_path / "model", wanted)
    (folder / "python_env.yaml").write_text("python: 3.9.1\n")
    (folder / "requirements.txt").write_text(
        "\n".join([*wanted, "-r other.txt", "# note", "./local.whl", ""])
    )
    caplog.clear()
    assert load(str(folder), "weather").model_id
    (line,) = caplog.messages
    here = serving_closure()
    assert line == (
        f"{folder}: the model asks for other packages: python 3.9.1 (here {here['python']}),"
        f" mlflow==3.0.0 (here {here['mlflow']}), scikit-learn==1.8.0 (here {here['scikit-learn']}),"
        " no-such-package>=2 (here none); predictions may differ"
    )


def test_a_model_whose_requirements_are_met_or_unknown_is_served_without_a_word(tmp_path, caplog):
    folder = save(tmp_path / "model", [f"mlflow=={version('mlflow')}", "numpy>=2"])
    assert trust.mismatches(folder) == ""
    for content in (b"\xff\xfe", b"[1, 2]", b"a: [", b""):
        (folder / "python_env.yaml").write_bytes(content)
        (folder / "requirements.txt").write_bytes(content)
        assert trust.mismatches(folder) == ""
    for name in ("python_env.yaml", "requirements.txt"):
        (folder / name).unlink()
    caplog.clear()
    assert load(str(folder), "weather").model_id
    assert not caplog.messages
