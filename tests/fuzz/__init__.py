"""Fuzzing by coverage: what tells a request from nonsense is given nonsense, for minutes at a time."""
