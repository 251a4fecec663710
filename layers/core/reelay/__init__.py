"""Reelay: a relay between its callers and v98store that never pays twice and never loses a result."""
