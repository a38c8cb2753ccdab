"""The model server (Open Inference Protocol V2, V1 and MLflow's own), its local deployment, and a client."""
