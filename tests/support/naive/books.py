"""All money of the naive engine as one dict; every event moves it by postings that sum to zero per asset."""

from collections import defaultdict

from ledger.engine.layout import TAO_ASSET

Name = tuple[str, int, int]
"""Class of an account, then customer, market or key, then hotkey; 0 where there is none."""

Posting = tuple[str, int, int, int, int]
"""Class, first, second, asset, delta in rao (positive: we owe more)."""

CUSTOMER = frozenset({"free", "held", "withdrawing", "rewards_idle"})
HOUSE = frozenset({"trading", "fees", "earn", "chain_fees", "rounding", "capital"})
CUSTODY = frozenset({"custody_free", "custody_reserved", "custody_stake"})


class Books:
    """Balances by (name, asset), rao; what we owe is positive, what we hold negative (``execution`` section 2)."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.amounts: dict[tuple[Name, int], int] = defaultdict(int)

    def get(self, name: str, asset: int, first: int = 0, second: int = 0) -> int:
        """Return one balance."""
        return self.amounts.get(((name, first, second), asset), 0)

    def total(self, names: frozenset[str] | set[str], asset: int) -> int:
        """Return the sum of some classes of accounts in one asset."""
        return sum(amount for ((name, _, _), of), amount in self.amounts.items() if of == asset and name in names)

    def post(self, *postings: Posting) -> None:
        """Make the postings of one event; they must sum to zero per asset and leave every account on its side."""
        sums: dict[int, int] = defaultdict(int)
        for name, first, second, asset, delta in postings:
            sums[asset] += delta
            self.amounts[(name, first, second), asset] += delta
        assert not any(sums.values()), f"postings do not sum to zero: {postings}"
        for name, first, second, asset, _ in postings:
            amount = self.get(name, asset, first, second)
            assert name not in CUSTOMER or amount >= 0, f"{name} {first} {second} of {asset} is {amount}"
            assert name not in CUSTODY or amount <= 0, f"{name} {first} {second} of {asset} is {amount}"

    # what the rules ask for

    def free(self, account: int, asset: int) -> int:
        """Return what a customer can use."""
        return self.get("free", asset, account)

    def position(self, netuid: int) -> int:
        """Return H, the alpha of a market's house account."""
        return self.get("trading", netuid + 1, netuid)

    def house(self, asset: int) -> int:
        """Return the sum of all house accounts of an asset."""
        return self.total(HOUSE, asset)

    def suspense(self, asset: int) -> int:
        """Return what is on the chain without an owner, less what is missing there."""
        return self.get("suspense", asset)

    def custody_free(self, key: int) -> int:
        """Return the free TAO of a key, 0 or more."""
        return -self.get("custody_free", TAO_ASSET, key)

    def custody_reserved(self, key: int) -> int:
        """Return the reserved TAO of a key, 0 or more."""
        return -self.get("custody_reserved", TAO_ASSET, key)

    def custody_stake(self, key: int, hotkey: int, netuid: int) -> int:
        """Return a stake position, 0 or more."""
        return -self.get("custody_stake", netuid + 1, key, hotkey)

    def custody(self, key: int, hotkey: int, asset: int) -> tuple[str, int, int, int]:
        """Return the custody account of an asset at a key."""
        return ("custody_free", key, 0, asset) if asset == TAO_ASSET else ("custody_stake", key, hotkey, asset)
