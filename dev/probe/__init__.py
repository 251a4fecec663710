"""`make probe`: one paid request to the real upstream, held to upstream.yaml, and recorded for the simulator."""
