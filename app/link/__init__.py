"""Between ledger and chain: finalised blocks become commands, and what the ledger asks for becomes extrinsics."""
