"""How long tests wait for an answer of the local stack."""

PATIENCE_SECONDS = 30
"""On a machine that does other things too; urllib3.request alone gives up after 3 s."""
