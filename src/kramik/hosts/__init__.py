"""Thin translations between a host and the shop; they decide nothing."""
