"""Checking derivatives: against differences, with verdicts (`gradcheck`), and mode against mode."""
