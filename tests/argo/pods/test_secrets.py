"""Which literals of environment variables are taken for secrets."""

import pytest

from pipelines.sdk.argo.pods.secrets import secret_in
from tests.argo.pods.building import refusal

# In pieces, so that nobody's scanner takes the test for a leak.
AWS = "AKIA" + "IOSFODNN7EXAMPLE"
GITHUB = "ghp" + "_" + "a1B2" * 9
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + "c2lnbmF0dXJl"
KEY = "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEow\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_TOKEN", "abc123"),
        ("DB_PASSWORD", "hunter2"),
        ("PASSWORD", "12345"),
        ("password", "correct horse battery staple"),
        ("MYSQLPASSWORD", "x"),
        ("PGPASSWORD", "x"),
        ("dbPassword", "x"),
        ("OPENAI_API_KEY", "x-y"),
        ("APIKEY", "x-y"),
        ("openai.api-key", "x-y"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("CLIENT_SECRET", "s3cr3t"),
        ("GIT_CREDENTIALS", "me"),
        ("GITHUBTOKEN", "x"),
        ("SSH_PASSPHRASE", "open sesame"),
        ("DB_PASS", "x"),
        ("WANDB_KEY", "0123456789abcdef0123456789abcdef01234567"),
        ("AUTH", "Zm9vYmFyMTIzNDU2Nzg5MEFCQ0RFRg=="),
        ("ANY", AWS),
        ("ANY", GITHUB),
        ("ANY", f"prefix {JWT}"),
        ("ANY", KEY),
        ("ANY", "Authorization: Bearer abcdefgh12345678"),
        ("DATABASE_URL", "postgresql://me:pw@db:5432/x"),
        ("BROKERS", "plain:1,amqp://guest:guest@mq"),
        ("REDIS", "redis://:pw@cache"),
        ("JDBC", "jdbc:postgresql://db/x?user=me&password=pw"),
        ("STORE", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abc==;EndpointSuffix=x"),
        ("GOOGLE_APPLICATION_CREDENTIALS", '{"type": "service_account", "private_key": "x"}'),
    ],
)
def test_a_secret_is_recognised(name, value):
    assert secret_in(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODE", "fast"),
        ("API_TOKEN", ""),
        ("API_TOKEN", "<token>"),
        ("API_TOKEN", "${API_TOKEN}"),
        ("API_TOKEN", "$(API_TOKEN)"),
        ("API_TOKEN", "changeme"),
        ("API_TOKEN", "****"),
        ("API_TOKEN", "your-token-here"),
        ("USE_TOKEN", "true"),
        ("MAX_TOKEN", "512"),
        ("MAX_TOKENS", "4096"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("TOKENIZER", "bert-base-uncased"),
        ("PWD", "workdir"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/var/secrets/key.json"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        ("DB_PASSWORD", "/run/secrets/password"),
        ("DB_PASSWORD_FILE", "password"),
        ("SECRET_NAME", "database"),
        ("TOKEN_URL", "https://login.example/token"),
        ("API_TOKEN", "https://login.example/token"),
        ("DB_SECRET", "database"),
        ("VAULT_TOKEN", "projects/p/secrets/token/versions/1"),
        ("PARTITION_KEY", "customer-region-and-date-2024"),
        ("CACHE_KEY", "models/2024/weather-forecast.bin"),
        ("KEY", "temperature"),
        ("REGISTRY", "https://registry.example/x@sha256:abc"),
        ("IMAGE", "host:5000/a@sha256:abc"),
        ("DATABASE_URL", "postgresql://db:5432/x"),
        ("DATABASE_URL", "postgresql://me@db:5432/x"),
        ("DATABASE_URL", "postgresql://me:$(PASSWORD)@db/x"),
        ("DATABASE_URL", "postgresql://me:<password>@db/x"),
        ("OPTIONS", "-Dx=1 password=***"),
        ("DATA_HASH", "0123456789abcdef0123456789abcdef01234567"),
    ],
)
def test_what_is_no_secret_is_left_alone(name, value):
    assert secret_in(name, value, {"database"}) == ""


def test_a_secret_is_refused_without_showing_it():
    text = refusal(env={"DB_PASSWORD": "hunter2"})
    assert "DB_PASSWORD" in text
    assert "use_secret_as_env" in text
    assert "hunter2" not in text


def test_the_name_of_a_secret_that_the_step_uses_is_none():
    settings = {"secretAsVolume": [{"secretName": "database", "mountPath": "/s"}]}
    assert "by its name" in refusal(env={"DB_SECRET": "other"}, kubernetes=settings)
    assert secret_in("DB_SECRET", "database", {"database"}) == ""
