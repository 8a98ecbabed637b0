"""The loop as a plain object: hints, lists and outcomes in, one effect at a time out.

No I/O, no clock, no tasks.  Whoever drives it (``loop.drive``, the tests' simulator, ``plan``)
asks ``due``, performs what ``begin`` answers and reports with ``end``.  Nothing is decided from
what an earlier action said it did, except by folding a 2xx answer into the world.
"""
