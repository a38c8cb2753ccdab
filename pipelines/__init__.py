"""Pipelines, and the SDK that compiles and runs them."""
