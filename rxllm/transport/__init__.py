"""Bytes from somewhere: the network (`http`) or a recording (`replay`)."""
