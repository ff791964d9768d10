"""The only modules that import ministack. Everything they touch in it is listed and checked in `hooks`."""
