"""Who delivers to whom, and what each pair pays and gets."""
