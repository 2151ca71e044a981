"""The question: orders in cells of a zone, an interval and a class of energy, and their merit order."""
