"""Figures of the exchange that hold for all markets; each with its unit and its reason."""

SPEC_VERSIONS = (424,)
"""Runtime versions of the chain whose arithmetic was reviewed; any other closes instant mode and signing."""

WITHDRAWAL_FEE_TAO = 1_000_000
"""Withdrawal fee for TAO, rao: several times the chain's fee for a transfer."""

WITHDRAWAL_FEE_ALPHA = 0
"""Withdrawal fee for alpha, alpha rao: the chain charges the hot key in TAO, and prices of alphas differ too much."""

MIN_WITHDRAWAL_TAO = 1_000_000
"""Smallest withdrawal of TAO, rao."""

MIN_WITHDRAWAL_ALPHA_VALUE = 2_100_000
"""Smallest value of an alpha withdrawal at spot, rao of TAO; the chain refuses to move less than 2 000 000."""

MIN_DEPOSIT_TAO = 1_000_000
"""Smallest credited deposit of TAO, rao; less is suspended."""

MIN_DEPOSIT_ALPHA_VALUE = 10_000_000
"""Smallest value of a credited alpha deposit at spot, rao of TAO; less could not be moved."""

STALE_AFTER_MS = 3_000
"""A head is never too old before this, ms; beyond, 2.5 block intervals decide."""

CALM_HEADS = 3
"""Heads without a jump before instant mode opens again."""

POSITION_CAPS = 8
"""The house position is limited to this many caps."""

FUNDED_CAPS = 4
"""A market is funded when target and house TAO are worth this many caps."""

WEIGHT_MIN = 10**17
WEIGHT_MAX = 9 * 10**17
"""TAO weights between which instant mode is open, parts of 10^18."""

MIN_RESERVE = 1_000_000
"""The chain refuses swaps on smaller reserves, rao."""

SETTLE_FLOOR = 2_002_000
"""No settlement below this value, rao: the chain's minimum stake with its fee."""

NEED_HEADS = 25
"""A need older than this many heads is settled whatever its size, heads."""

UNSIGNED_HEADS = 3
"""Settlements and sweeps that pass this many heads unsigned are released; they are asked for again."""

UNSIGNED_WITHDRAWAL_HEADS = 64
"""Withdrawals that pass this many heads unsigned are refunded: longer, since a link that catches up imports many."""

DRIFT_PER_HEAD = 4
"""Largest difference of a stake position taken as rounding of the chain's share pools, rao."""

DRIFT_PER_DAY = 10_000
"""Largest sum of such differences per position and day, rao."""

DAY_MS = 86_400_000

HORIZON_MS = 7 * DAY_MS
"""How long a first answer to a client id is kept at least, ms of log time."""

COMMISSION_PPM = 1_000_000
"""Share of the customers' growth that the house keeps: all of it, in mode "house keeps"."""

PERIOD_MAX = 4_096
"""Longest life of a signed extrinsic, blocks."""

CANCEL_AFTER_MAX_MS = DAY_MS
"""Longest timeout of a cancel-after, ms."""

QUOTES_PER_ACCOUNT = 3
"""Firm quotes of one account that live at the same time."""

QUOTE_LIFE_MIN_MS = 1_000
"""Shortest life of a firm quote, ms; the longest is one block interval, and not less than this."""

MARKETS_MAX = 1_024
HOTKEYS_MAX = 65_535
CHAIN_KEYS_MAX = 2**24
ACCOUNTS_MAX = 2**27
JOBS_MAX = 65_536
ADDRESSES_MAX = 2**24
FUNDINGS_MAX = 1_024
"""Bounds of the tables that requests can make grow."""

CLAIMS_PER_STEP = 10_000
"""Accounts that one step of a dissolved market's share-out looks at."""

ORDERS_PER_ACCOUNT = 1_000
"""Live orders that one account may have in all markets."""

STOPS_PER_COMMAND = 100
"""Stops that one command may trigger; the rest follow with the timers of the next batch."""

TIMERS_PER_BATCH = 1_000
"""Timers that run before one batch; the rest follow with the next."""
