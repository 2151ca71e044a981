"""Markets, the links between their zones, what they charge, and whose book changed."""
