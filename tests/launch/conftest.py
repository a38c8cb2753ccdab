import pytest

from tests.launch.pods import Pod


@pytest.fixture
def pod(tmp_path):
    return Pod(tmp_path)
