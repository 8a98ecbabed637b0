"""Which container answers a request, and what is said when none can: decided from data, without asking anyone."""
