"""A door that cannot be imported."""

raise RuntimeError("the settings are wrong: BUCKET_NAME is missing")
