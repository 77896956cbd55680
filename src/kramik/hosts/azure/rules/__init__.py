"""What is known to break a shop on Azure: one rule a trap, each with its reason and with what to do.

Every rule yields its problems; all of them are reported at once.
"""
