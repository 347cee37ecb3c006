"""The state machine: records, rules, state."""
