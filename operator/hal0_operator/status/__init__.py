"""Statuses, derived once per change by one pure function; nobody else makes a Condition."""
