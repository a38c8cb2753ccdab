"""Tells literals that look like secrets from those that do not."""

from __future__ import annotations

import re
from typing import Final

_BY_NAME: Final = re.compile(
    r"(?:^|_)(?:TOKEN|\w*PASSWORD|PASSWD|PWD|PASSPHRASE|SECRET|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|SECRET_?KEY"
    r"|CREDENTIALS?)(?:_|$)"
)
_NOT_BY_NAME: Final = re.compile(  # a thing about a secret is none
    r"_(?:NAME|PATH|FILE|DIR|FOLDER|URL|URI|ENDPOINT|HOST|TYPE|TTL|LENGTH|LIMIT|MODE|ENABLED|PROVIDER|BACKEND"
    r"|VERSION|COUNT|SIZE|SECONDS|EXPIRY|REF|MOUNT)$"
)
_BY_VALUE: Final = (
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{20,})")),
    ("a GitLab token", re.compile(r"\bglpat-[\w-]{20,}")),
    ("a Slack token", re.compile(r"\bxox[abeprs]-[\w-]{10,}")),
    ("an API key", re.compile(r"\b(?:sk-[\w-]{20,}|AIza[\w-]{35}|hf_[A-Za-z0-9]{30,})")),
    ("a JSON web token", re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*")),
    ("an address with a password", re.compile(r"[a-zA-Z][\w+.-]*://[^\s/@:]*:[^\s/@]+@")),
)
_TRIVIAL: Final = re.compile(r"(?i)|true|false|none|null|yes|no|on|off|[~.]{0,2}/\S*|[a-z][\w+.-]*://\S*")


def secret_in(name: str, value: str) -> str:
    """What kind of secret a literal looks like; empty where it looks like none.

    Args:
        name: of the environment variable.
        value: its literal value.
    """
    for kind, pattern in _BY_VALUE:
        if pattern.search(value):
            return kind
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper().replace("-", "_")
    if not _BY_NAME.search(words) or _NOT_BY_NAME.search(words) or _TRIVIAL.fullmatch(value.strip()):
        return ""
    if re.fullmatch(r"\d+", value) and not re.search("PASS|PWD", words):
        return ""  # a number of tokens, say
    return "a secret, by its name"
