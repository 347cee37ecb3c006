"""Keys and the signer: a second opinion on everything that leaves, with its own rules and its own memory."""
