"""Products of matrices and convolutions: one generator for every sum of products."""
