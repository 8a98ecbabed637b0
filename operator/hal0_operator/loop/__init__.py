"""The shell around the reconciler: triggers in, effects out, statuses published."""
