"""What clients send and get: V2, V1 and MLflow's own shapes, to a model's input and back.

A table reaches the model with the types of its signature and every value as it was sent, and the answer is
what `mlflow.pyfunc` gives for that table. Where a value would have to change on the way it is refused, so
this is stricter than MLflow's own server in a few places:

- 3.5 for an integer is refused, not cut to 3. 3.0 is 3, up to 2**53: beyond, floats leave integers out.
- null in a required column is refused, also where the estimator could do with NaN.
- true and false are no numbers, and numbers no truths.
- A number beyond what the column's type can hold is refused, not made infinite.
- A time with a zone is refused: the model would not see the zone.
- A key that is twice in one object is refused, and so is nesting of more than a hundred levels.
"""
