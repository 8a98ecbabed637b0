"""Podman over its own socket: the real form of ``seams.podman``.

podman-py carries the requests; everything above it (bodies, limits, streams, errors) is here, because the calls
are few, must be bounded in time, and must say exactly what is known after a failure.  ``client`` has the verbs,
``transport`` one call or one stream, ``spec`` the body of a create, ``decode`` and ``events`` what is read
back, ``logs`` the framing of log output, ``errors`` what a failure means, ``service`` finds or starts a service.
"""
