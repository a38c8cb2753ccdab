"""Runs a Plan on this machine: no cluster, no Docker, one process a step."""
