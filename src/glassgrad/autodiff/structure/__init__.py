"""The structure of Jacobians: what a graph shows of where they can differ from zero, without forming them."""
