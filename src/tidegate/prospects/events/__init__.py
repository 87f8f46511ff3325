"""How campaign events come into the prospect store: read, told apart, matched, remembered, announced."""
