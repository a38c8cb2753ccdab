"""What clients send and get: V2, V1 and MLflow's own shapes, to a model's input and back."""
