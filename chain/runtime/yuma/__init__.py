"""Yuma consensus: from stake, weights and bonds to incentives, dividends and the shares of an epoch's emission.

Everything here is a pure function of plain integers: ``epoch.run_epoch`` is the door, ``reference`` the oracle in
Python integers, ``kernels`` the compiled arithmetic, ``mechanisms``, ``weight_rules`` and ``schedule`` the rules
around an epoch. Nothing reads or writes the chain's state.
"""
