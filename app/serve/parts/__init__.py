"""The parts of the server shape, each opened from its order: what ``bootstrap`` joins in one process, apart.

Each file has an ``open_part``: an asynchronous context whose value is what the part tells of itself once it is ready.
"""
