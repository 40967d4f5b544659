"""Holdfast: a gateway for realtime voice that keeps the conversation alive."""
