"""Text to snapshot: decoding a home's files with every problem addressed.

Nothing here raises on bad input.  A decoder returns what it could read and all problems.
"""
