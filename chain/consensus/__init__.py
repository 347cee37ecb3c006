"""How one block is agreed on: pure objects and a step function, without clock, socket or disk."""
