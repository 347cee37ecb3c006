"""What the fields of each command and event mean, with units.

The record types are in ``ledger/engine/layout.py``; ``records.py`` builds and describes records by these meanings.
A meaning reads ``name, what it is, unit``: the text before the first comma is the name by which builders and
descriptions know the field. Commands stand in ``command_fields.py``, events in ``event_fields.py``.
"""

Meaning = dict[str, str]
"""Physical field -> ``meaning, unit``. Fields not listed are zero."""

CLIENT = {
    "id_hi": "client_id_hi, client command id, upper half; both halves 0 = none",
    "id_lo": "client_id_lo, client command id, lower half",
    "digest": "body_digest, word of the request body",
}
HASH = {
    "id_hi": "hash_0, word",
    "id_lo": "hash_1, word",
    "digest": "hash_2, word",
    "hold": "hash_3, word",
}
SWAP_OUTCOME = {
    "order_id": "job_id, seq of the request",
    "amount": "alpha_rao, alpha that left (sell) or reached (buy) the stake position",
    "tao": "tao_rao, TAO that left (buy) or reached (sell) the coldkey; TAO moved, for transfers",
    "key": "key, whose free balance moved",
    "other": "hotkey, number of the hotkey whose position moved",
}
