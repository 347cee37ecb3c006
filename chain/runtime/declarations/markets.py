"""Swap, AlphaAssets, MevShield and Commitments: what stands around the pools of SubtensorModule."""

from chain.runtime.declarations.notation import call, constant, names, optional, stored
from chain.runtime.pallet import Pallet

COMMITMENTS = Pallet(
    name="Commitments",
    index=18,
    storage=(
        optional("CommitmentOf", "Identity(u16); Twox64Concat(AccountId32)", "Registration"),
        optional("RevealedCommitments", "Identity(u16); Twox64Concat(AccountId32)", "Vec<(Vec<u8>, u64)>"),
    ),
    errors=names(
        """
    TooManyFieldsInCommitmentInfo AccountNotAllowedCommit SpaceLimitExceeded UnexpectedUnreserveLeftover
    """
    ),
)

SWAP = Pallet(
    name="Swap",
    index=28,
    storage=(
        stored("FeeRate", "Twox64Concat(u16)", "u16", 33),
        stored("SwapBalancer", "Twox64Concat(u16)", "Balancer", "0000b2d3595bf006"),
    ),
    errors=names(
        """
    FeeRateTooHigh InsufficientInputAmount InsufficientLiquidity PriceLimitExceeded InsufficientBalance
    InvalidTickRange InvalidLiquidityValue ReservesTooLow MechanismDoesNotExist SubtokenDisabled
    ReservesOutOfBalance SwapInputTooLarge Deprecated
    """
    ),
    constants=(
        constant("MaxFeeRate", "u16", 10_000),
        constant("MinimumLiquidity", "u64", 1000),
        constant("MinimumReserve", "u64", 1_000_000),
    ),
)

MEV_SHIELD = Pallet(
    name="MevShield",
    index=30,
    storage=(
        optional("CurrentKey", "", "Vec<u8>"),
        optional("NextKey", "", "Vec<u8>"),
    ),
    calls=(call(1, "submit_encrypted", "ciphertext: Vec<u8>"),),
    errors=names("BadEncKeyLen Unreachable TooManyPendingExtrinsics WeightExceedsAbsoluteMax"),
)

ALPHA_ASSETS = Pallet(
    name="AlphaAssets",
    index=31,
    storage=(
        stored("TotalAlphaIssuance", "Twox64Concat(u16)", "u64", 0),
        stored("AlphaBurned", "Twox64Concat(u16)", "u64", 0),
    ),
)
