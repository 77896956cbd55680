"""Azure, seen from the machine that deploys to it: the package, the template, the bill, the checks.

Nothing of this runs in the function app; that is `hosts/functions.py`.
"""
