"""Compiled pipelines on a cluster: applied, run, watched, scheduled, straight through the Kubernetes API."""
