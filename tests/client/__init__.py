"""Calls over real sockets, and `holdfast talk`."""
