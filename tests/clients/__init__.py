"""A package, so that one stack serves all of it (`scope="package"` in conftest.py) and ends with it."""
