"""What was asked and answered, one record a row: what monitoring joins with the truth once that is known.

A record, here as JSON; a Parquet file has the same with columns as `inputs.temp`, as `pandas.json_normalize`
makes them of JSON lines:

    {"ts": "2026-01-31T18:00:00.123456Z", "request_id": "berlin-2026-01-31", "row": 0,
     "model_name": "weather", "version": "7", "model_id": "m-1f0c", "protocol": "v2",
     "inputs": {"temp": 12.8}, "prediction": 13.04}

`inputs` are the columns as the model got them: one that a request lacks is not there, a missing value is
null. `request_id` is the client's own where it sent one (V2's `id`, or the header X-Request-Id), so a client
that names its requests after what is predicted joins by `request_id` and `row`; every other by `ts` and the
inputs that name the case (a station, a day). `model_id` tells models apart that had the same version number
elsewhere. Where a prediction has not one item a row, there is one record for the request, with `row` null and
whole columns.

Records are a sample where the log was told so, where a request has more rows than are kept of one (every nth
then), and where they came faster than they could be written: the counters say how many were dropped. Nothing
is ever deleted: that is for a bucket's lifecycle rule.
"""
