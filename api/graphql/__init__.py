"""What all of the schema shares: scalars, mutations and refusals, nodes, the viewer, and what is followed."""
