"""How the seller hears of what needs them at once: by mail, and by a signed call to an address of theirs."""
