"""Looking into a compiled function: what its units do, cost and take, and why they are as they are."""
