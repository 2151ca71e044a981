"""Orders: what they may be, what is held for them, and how they are amended, halted, limited and ended."""
