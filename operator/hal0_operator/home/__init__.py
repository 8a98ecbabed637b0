"""A home on disk: read as it stands still, watched, locked and identified.

Everything goes through the file system seam, so that tests replay any interleaving; only ``watch``
knows a library of its own.
"""
