"""HTTP/1.1 for a model server: requests in, answers out, and nothing that a client does holds up another.

Its own layer on httptools (Node's parser) and uvloop: a general server and framework cost more of a request
than the model does, have no limit on the time and size of a request's head, and end connections that a
client is still writing to.
"""
