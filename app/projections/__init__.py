"""History in tables, folded from the log: each can be dropped and rebuilt, and reads never touch the engine."""
