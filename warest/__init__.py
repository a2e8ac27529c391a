"""WAREST: a self-hosted WhatsApp REST gateway."""
