"""Candidate and last admitted state in, verdict out: defaulting, then every rule, to a fixpoint."""
