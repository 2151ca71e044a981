"""Monthly statements and credit notes, reconciled to the ledger."""
