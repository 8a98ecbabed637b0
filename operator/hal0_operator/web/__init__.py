"""The HTTP API: every read answers from memory, every write is a wish handed to the operator.

``guard`` stands before everything; one module per resource lists its endpoints as data, from
which both the routes and the OpenAPI document come.
"""
