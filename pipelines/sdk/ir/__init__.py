"""KFP IR to Plan. Knows KFP's pipeline spec, and nothing of any backend."""

from pipelines.sdk.ir.read import read, read_file

__all__ = ["read", "read_file"]
