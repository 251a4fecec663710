"""Stand-ins for every box of the picture that is not ours; never imported by the product."""
