"""Tells literals that look like secrets from those that do not."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Container
from typing import Final

_TELLING: Final = re.compile(  # in words: DB_PASSWORD, but not TOKENIZERS_PARALLELISM or MAX_TOKENS
    r"(?:^|_)(?:\w*PASSWORDS?|\w*PASSWD|PASS|\w*PWD|PASSPHRASE|\w*SECRETS?|\w*TOKEN|\w*CREDENTIALS?|\w*APIKEY"
    r"|(?:API|ACCESS|PRIVATE|SECRET|SIGNING|ENCRYPTION|ACCOUNT|MASTER|SHARED|AUTH)_?KEY)(?:_\d+)?(?:_|$)"
)
_HINTING: Final = re.compile(
    r"(?:^|_)(?:\w*KEYS?|AUTH\w*|BEARER|SAS|PAT|SALT|SESSION|COOKIE|SIGNATURE|CERT)(?:_|$)"
)
_ABOUT: Final = re.compile(  # a thing about a secret is none
    r"(?:^PWD|_(?:NAMES?|PATH|FILE|FILENAME|DIR|FOLDER|URL|URI|ENDPOINT|HOST|PORT|TYPE|TTL|LENGTH|LEN|LIMIT|MODE"
    r"|ENABLED|PROVIDER|BACKEND|VERSION|COUNT|SIZE|SECONDS|MINUTES|HOURS|DAYS|TIMEOUT|EXPIRY|EXPIRES|REF|MOUNT"
    r"|ISSUER|AUDIENCE|SCOPES?|ID|PREFIX|HEADER|FIELD|COLUMN|STORE|MANAGER|POLICY|REGION|PROJECT))$"
)
_SHAPES: Final = (
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|\"private_key\"\s*:")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{20,})")),
    ("a GitLab token", re.compile(r"\bglpat-[\w-]{20,}")),
    ("a Slack token", re.compile(r"\bxox[abeprs]-[\w-]{10,}")),
    ("a token of a package index", re.compile(r"\b(?:pypi-AgE[\w-]{16,}|npm_[A-Za-z0-9]{30,})")),
    ("an API key", re.compile(r"\b(?:sk-[\w-]{20,}|[sr]k_live_\w{16,}|AIza[\w-]{35}|hf_[A-Za-z0-9]{30,})")),
    ("an OAuth token", re.compile(r"\bya29\.[\w-]{20,}")),
    ("a JSON web token", re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*")),
    ("credentials for HTTP", re.compile(r"(?i)\b(?:bearer|basic)\s+[\w.~+/-]{16,}=*")),
)
_IN_ADDRESS: Final = re.compile(r"[a-zA-Z][\w+.-]*://[^\s/@:]*:([^\s/@]+)@")
_IN_PAIRS: Final = re.compile(
    r"(?i)[?&;\s](?:password|passwd|pwd|token|access_token|api_?key|client_secret|accountkey|sharedaccesskey|sig)"
    r"=([^&;\s]+)"
)
_PLACEHOLDER: Final = re.compile(
    r"(?i)|<[^>]*>|\{+[^}]*\}+|\$\{?\w+\}?|\$\([^)]*\)|%\w+%|[xX*.#?-]{3,}|true|false|yes|no|on|off|none|null|nil|unset"
    r"|todo|tbd|dummy|placeholder|redacted|change[-_]?me|replace[-_]?me|your[-_].*"
)
_PLACE: Final = re.compile(  # a file, an address, the name of a secret in some store
    r"(?:~|\.{1,2})?/[\w.@-]+(?:/[\w.@-]+)*/?|(?:[\w.@-]+/)*[\w@-]+\.[a-z]{2,8}|[A-Za-z]:\\\S*"
    r"|[A-Za-z][\w+.-]*://\S*|arn:\S+|projects/\S+/secrets/\S+"
)


def secret_in(name: str, value: str, known: Container[str] = ()) -> str:
    """What kind of secret a literal looks like; empty where it looks like none.

    Args:
        name: of the environment variable.
        value: its literal value.
        known: names of Secrets that the step uses; a name is no secret.
    """
    for kind, pattern in _SHAPES:
        if pattern.search(value):
            return kind
    for kind, pattern in (
        ("an address with a password", _IN_ADDRESS),
        ("a connection with a password", _IN_PAIRS),
    ):
        if any(not _PLACEHOLDER.fullmatch(found[1]) for found in pattern.finditer(value)):
            return kind
    text = value.strip()
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper().replace("-", "_").replace(".", "_")
    harmless = _PLACEHOLDER.fullmatch(text) or _PLACE.fullmatch(text) or text in known
    if harmless or _ABOUT.search(words):
        return ""
    if _TELLING.search(words) and not (text.isdecimal() and "PASS" not in words and "PWD" not in words):
        return "a secret, by its name"
    if _HINTING.search(words) and _is_random(text):
        return "a secret, by its name and because it looks random"
    return ""


def _is_random(text: str) -> bool:
    """Whether a text looks like a key: long, in one word, letters and digits, hardly a pattern in it."""
    shapes = (r"[0-9a-fA-F]{32,}", r"[a-z0-9]{24,}", r"(?=.*[a-z])(?=.*[A-Z])[\w+/=.~-]{20,}")
    if not any(re.fullmatch(shape, text) for shape in shapes) or not re.search(r"\d", text):
        return False
    shares = [count / len(text) for count in Counter(text).values()]
    return -sum(share * math.log2(share) for share in shares) >= 3.0
