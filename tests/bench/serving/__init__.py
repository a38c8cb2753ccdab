"""`make bench-serving`: our server beside MLServer, MLflow's own, KServe's SDK and the estimator alone."""
