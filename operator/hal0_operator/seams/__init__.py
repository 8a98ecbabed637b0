"""The machine as the loop sees it: protocols and nothing else.

Each has a real form (``podman``, ``host``, ``gitops``) and a simulated one (the tests' simulator).  All are
synchronous and may block up to their own limits; the loop calls them from worker threads.
Failures are outcomes (``model.action.Fault``) or ``PodmanFault``, never foreign exceptions.
"""
