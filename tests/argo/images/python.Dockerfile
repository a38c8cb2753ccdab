# What the conformance pipelines' components name as python:3.11: an image with kfp, as a step's image has it.
FROM python:3.11-slim
RUN pip install --no-cache-dir --no-deps kfp==2.17.0
