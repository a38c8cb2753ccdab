"""The pipeline SDK. Nothing happens on import."""
