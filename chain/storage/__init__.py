"""What survives the process: blocks, state and the way back to earlier states."""
