"""Kill -9 again and again, at named places and at any moment, beside a client that remembers every answer.

``python -m tests.campaigns.crash --cycles 1000 --seed 7``: each cycle loads a real exchange over its sockets until it
dies, starts it again, sends what was never answered once more, and holds everything against everything: the answers,
the log, the balances, the engine's own state, the history tables, the chain.
"""
