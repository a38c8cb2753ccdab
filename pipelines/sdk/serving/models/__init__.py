"""The model: found, loaded, asked."""
