"""The shared kernel, small and boring: quantities, intervals, errors, the database, and how rooms are found."""
