"""Reading a file from wherever it is: this machine, the web, Google Cloud Storage, or the project itself."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from components.support.fetching import Limits, check_size, network_reason, refuse
from components.support.gcs import read_gs

if TYPE_CHECKING:
    import requests

SHIPPED = "seattle-weather.csv"


def read(source: str, limits: Limits | None = None) -> bytes:
    """The bytes of a file.

    Args:
        source: a path, an http:// or https:// address or a gs:// one; empty for the dataset shipped
            with the project.
        limits: see Limits.

    Raises:
        StepFailed: there is no such file, it may not be read, is no file or too large, or nobody answers.
    """
    source, limits = source.strip(), limits or Limits()
    if not source:
        return resources.files("components").joinpath("data", SHIPPED).read_bytes()
    scheme = source.partition("://")[0].lower() if "://" in source else ""
    if scheme in ("http", "https"):
        return _read_http(source, limits)
    if scheme == "gs":
        return read_gs(source, limits)
    if scheme:
        refuse(source, f"{scheme}:// is not supported", "give a path, or an https:// or gs:// address")
    return _read_path(source, limits)


def shown(source: str) -> str:
    """The source as it may be logged and recorded: without passwords, tokens and signatures."""
    return without_secrets(source.strip()) or SHIPPED


def without_secrets(source: str) -> str:
    """A web address without password, query and fragment; any other text as it is."""
    if not source.lstrip().lower().startswith(("http://", "https://")):
        return source
    head, _, rest = source.strip().partition("://")
    address = rest.partition("#")[0].partition("?")[0]
    host, slash, path = address.partition("/")
    return f"{head}://{host.rpartition('@')[2]}{slash}{path}"


def _read_path(source: str, limits: Limits) -> bytes:
    try:
        path = Path(source).expanduser().absolute()
        if path.is_dir():
            refuse(str(path), "is a folder", "name the CSV file in it")
        if path.exists() and not path.is_file():
            refuse(str(path), "is not a regular file", "name a CSV file")
        check_size(source, path.stat().st_size, limits)
        return path.read_bytes()
    except FileNotFoundError:
        refuse(str(path), "there is no such file", "check the path; a step on a cluster sees only its image")
    except PermissionError:
        refuse(str(path), "may not be read", "let the user of this process read it")
    except (OSError, ValueError, RuntimeError) as error:
        refuse(source[:200], f"cannot be read: {str(error)[:200]}", "give the path of a CSV file")


def _read_http(source: str, limits: Limits) -> bytes:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry
    from urllib3.exceptions import HTTPError

    retry = Retry(
        total=limits.attempts - 1,
        backoff_factor=limits.pause_seconds
        / 2,  # urllib3 asks the first time again at once, then waits twice this
        status_forcelist=(429, 500, 502, 503, 504),
        raise_on_status=False,
        retry_after_max=int(limits.timeout_seconds),
    )
    try:
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=retry))
            session.mount("https://", HTTPAdapter(max_retries=retry))
            with session.get(source, stream=True, timeout=limits.timeout_seconds) as response:
                _check_status(source, response.status_code)
                return _body(source, response, limits)
    except (requests.RequestException, HTTPError, UnicodeError) as error:
        refuse(shown(source), network_reason(error), "check the address and the network, then run again")


def _body(source: str, response: requests.Response, limits: Limits) -> bytes:
    declared = response.headers.get("Content-Length", "")
    check_size(shown(source), int(declared) if declared.isdecimal() else 0, limits)
    deadline = monotonic() + limits.deadline_seconds
    content = bytearray()
    # What has arrived, however little: waiting for a whole block, a slow server could outlive the deadline.
    while chunk := response.raw.read1(1 << 16, decode_content=True):
        content += chunk
        check_size(shown(source), len(content), limits)
        if monotonic() > deadline:
            refuse(
                shown(source), f"sent only {len(content)} bytes in {limits.deadline_seconds:g} seconds", ""
            )
    return bytes(content)


def _check_status(source: str, status: int) -> None:
    if status == 200:
        return
    if status in (401, 403):
        refuse(shown(source), f"the server refuses it (HTTP {status})", "give an address that may be read")
    if status in (404, 410):
        refuse(shown(source), f"there is no such file (HTTP {status})", "check the address")
    refuse(shown(source), f"the server answers HTTP {status}", "try the address in a browser, then run again")
