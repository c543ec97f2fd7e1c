"""A format a file, sans-I/O: a request becomes JSON, bytes become items."""
