"""Every refusal in the words of the Kraken interface; clients map these very strings (``kraken_api`` section 5)."""

from dataclasses import dataclass
from typing import Final

VALUE_SHOWN_MAX: Final = 120

INVALID_KEY: Final = "EAPI:Invalid key"
INVALID_SIGNATURE: Final = "EAPI:Invalid signature"
INVALID_NONCE: Final = "EAPI:Invalid nonce"
API_RATE_LIMIT: Final = "EAPI:Rate limit exceeded"
PERMISSION_DENIED: Final = "EGeneral:Permission denied"
LOCKOUT: Final = "EGeneral:Temporary lockout"
TOO_MANY_REQUESTS: Final = "EGeneral:Too many requests"
UNKNOWN_METHOD: Final = "EGeneral:Unknown method"
INVALID_ARGUMENTS: Final = "EGeneral:Invalid arguments"
INTERNAL_ERROR: Final = "EGeneral:Internal error"
UNKNOWN_PAIR: Final = "EQuery:Unknown asset pair"
UNKNOWN_ASSET: Final = "EQuery:Unknown asset"
UNAVAILABLE: Final = "EService:Unavailable"
BUSY: Final = "EService:Busy"
CANCEL_ONLY: Final = "EService:Market in cancel_only mode"
POST_ONLY: Final = "EService:Market in post_only mode"
LIMIT_ONLY: Final = "EService:Market in limit_only mode"
DEADLINE: Final = "EService:Deadline elapsed"
INSUFFICIENT_FUNDS: Final = "EOrder:Insufficient funds"
ORDER_MINIMUM: Final = "EOrder:Order minimum not met"
COST_MINIMUM: Final = "EOrder:Cost minimum not met"
TICK_SIZE: Final = "EOrder:Tick size check failed"
INVALID_ORDER: Final = "EOrder:Invalid order"
POST_ONLY_ORDER: Final = "EOrder:Invalid order:Post only order"
UNKNOWN_ORDER: Final = "EOrder:Unknown order"
ORDERS_LIMIT: Final = "EOrder:Orders limit exceeded"
ORDER_RATE_LIMIT: Final = "EOrder:Rate limit exceeded"
FUNDING_UNKNOWN_ASSET: Final = "EFunding:Unknown asset"
UNKNOWN_WITHDRAW_KEY: Final = "EFunding:Unknown withdraw key"
FUNDING_INVALID_AMOUNT: Final = "EFunding:Invalid amount"
MAX_FEE: Final = "EFunding:Max fee exceeded"
UNKNOWN_REFERENCE: Final = "EFunding:Unknown reference id"
INVALID_REFERENCE: Final = "EFunding:Invalid reference id"
NO_FUNDING_METHOD: Final = "EFunding:No funding method"
USER_LOCKED: Final = "ETrade:User Locked"
INVALID_SESSION: Final = "ESession:Invalid session"


@dataclass(eq=False)
class Refused(Exception):  # noqa: N818 - named as style.md names the family
    """A request that is answered no.

    ``error``: the string clients know; ``code``: our stable code; ``name``, ``value``, ``bound``: which field was
    wrong, its value in the client's own text, and what would have been right; ``figure`` the engine's own, if any.
    """

    error: str
    code: str
    name: str = ""
    value: str = ""
    bound: str = ""
    figure: int = 0

    def reason(self) -> dict[str, str]:
        """Return what ``reason`` of the envelope says, without empty members."""
        members = {"code": self.code, "field": self.name, "value": self.value[:VALUE_SHOWN_MAX], "bound": self.bound}
        return {name: text for name, text in members.items() if text}


def invalid_argument(name: str, value: str, *, code: str = "invalid_argument", bound: str = "") -> Refused:
    """Return the refusal of one field: ``EGeneral:Invalid arguments:<field>``."""
    return Refused(f"{INVALID_ARGUMENTS}:{name}", code, name=name, value=value, bound=bound)


def malformed(why: str) -> Refused:
    """Return the refusal of a request whose bytes could not be read."""
    return Refused(INVALID_ARGUMENTS, "malformed_request", value=why)


def price_decimals(pair: str, value: str, decimals: int, *, name: str = "price") -> Refused:
    """Return the refusal of a price finer than the pair's tick."""
    text = f"EOrder:Invalid price:{pair} price can only be specified up to {decimals} decimals."
    return Refused(text, "too_many_decimals", name=name, value=value, bound=f"at most {decimals} decimals")
