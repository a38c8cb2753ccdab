"""A real server of Cloud Storage's API, on this machine alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from gcp_storage_emulator.server import create_server
from google.cloud import storage

BUCKET = "weather"


@contextmanager
def emulator(objects: Mapping[str, str | bytes]) -> Iterator[str]:
    """A server with one bucket.

    Args:
        objects: in it, by name.

    Yields:
        Its address.
    """
    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket=BUCKET)
    server.start()
    address = f"http://127.0.0.1:{server._api._httpd.server_port}"
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("STORAGE_EMULATOR_HOST", address)
            bucket = storage.Client(project="test").bucket(BUCKET)
            for name, content in objects.items():
                bucket.blob(name).upload_from_string(content)
        yield address
    finally:
        server.stop()
