"""Ports to what may lie in different places; each folder holds one contract and its drivers."""
