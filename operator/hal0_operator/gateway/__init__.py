"""The path of requests for models: from a client below ``/v1`` to the container that answers, and back, byte by byte.

``connection`` and ``upstream`` speak HTTP to containers, ``client`` is the other side, ``relay`` joins the two.
"""
