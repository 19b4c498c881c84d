"""Beam stages: each turns units into parts and receipts."""
