"""`reelay`: videos of a relay on a command line. It calls a relay over HTTP, and imports nothing else of Reelay's."""

__version__ = "0.1.0"

CONTRACT = "0.1.0"
"""The version of openapi.yaml (`info.version`) that these commands were written for."""
