"""What must hold after each start: every answer stands, what had none happens once, and all sums agree."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from app.demo.check import compare_custody
from app.demo.story import StoryBroken
from tests.campaigns.crash.client import (
    ADDRESS_NAME,
    UNKNOWN_ORDER,
    Rest,
    Said,
    cancel,
    note_resting,
    place,
    send_withdrawal,
    withdraw_anew,
)
from tests.campaigns.crash.memory import Broken, Memory, rao
from tests.campaigns.crash.witness import Witness

QUERY_MAX: Final = 50
ASKED_AGAIN: Final = 6
"""How many of the commands that were answered are sent again in each cycle: the first answer must come."""
LOOKS: Final = 40
FINAL_LOOKS: Final = 1_200
LOOK_S: Final = 0.05
GONE: Final = frozenset({"Failure"})


async def send_again(rest: Rest, memory: Memory) -> int:
    """Send whatever has no answer once more, and a few that have one; return how many had none."""
    unanswered = memory.unanswered
    for name in [*unanswered, *list(memory.answered)[-ASKED_AGAIN:], *list(memory.refused)[-2:]]:
        if name in memory.refused and not memory.refused[name].startswith("EOrder"):
            continue
        await place(rest, memory, name)
    for name in unanswered:
        note_resting(memory, name)
    cancels = [txid for txid in memory.cancels if txid not in memory.cancelled]
    for txid in cancels:
        await cancel(rest, memory, txid)
    return len(unanswered) + len(cancels) + await _pay_again(rest, memory)


async def _pay_again(rest: Rest, memory: Memory) -> int:
    """Send withdrawals without an answer again: the same bytes, and where those are used up and did nothing, anew."""
    unanswered = [amount for amount in memory.withdrawals if amount not in memory.paid_out]
    for amount in unanswered:
        if await send_withdrawal(rest, memory, amount):
            continue
        rows = await withdrawals(rest)
        if amount not in rows:
            await withdraw_anew(rest, memory, amount)
        else:
            memory.paid_out[amount] = rows[amount]["refid"]
    for amount in list(memory.withdrawals)[-2:]:
        await send_withdrawal(rest, memory, amount)  # raises if it does anything else than the first answer
    return len(unanswered)


async def withdrawals(rest: Rest) -> dict[int, dict[str, Any]]:
    """Return the withdrawals there are by the amount that was asked for, which contains the fee."""
    rows: dict[int, dict[str, Any]] = {}
    for row in await rest.call("WithdrawStatus", asset="TAO", limit=500):
        amount = rao(row["amount"]) + rao(row["fee"])
        if amount in rows:
            raise Broken(f"a withdrawal happened twice: {rows[amount]}, {row}")
        rows[amount] = row
    return rows


async def check_answers(rest: Rest, memory: Memory, witness: Witness) -> None:
    """Hold all answers against the log, what became of the orders, and the balances."""
    if witness.doubled:
        raise Broken(f"happened twice: {witness.doubled}")
    placed = {name: txid for name, txid in witness.orders.items() if name in memory.sent}
    if placed != memory.answered:
        lost = sorted(memory.answered.items() - placed.items())
        more = sorted(placed.items() - memory.answered.items())
        raise Broken(f"answered and not in the log: {lost[:5]}; in the log and not answered: {more[:5]}")
    if witness.withdrawals.keys() != set(memory.paid_out.values()):
        raise Broken(f"withdrawals in the log {sorted(witness.withdrawals)}, answered {memory.paid_out}")
    for _ in range(LOOKS):
        await look_at(rest, memory, memory.not_final())
        rows = await withdrawals(rest)
        if {amount: row["refid"] for amount, row in rows.items()} != memory.paid_out:
            raise Broken(f"withdrawals {rows}, answered {memory.paid_out}")
        actual = {asset: rao(amount) for asset, amount in (await rest.call("Balance")).items()}
        expected = memory.expected_balances(sum(a for a, row in rows.items() if row["status"] not in GONE))
        if actual == expected:
            return
        await asyncio.sleep(LOOK_S)  # a block may have come in between
    raise Broken(f"balances {actual}, all answers together give {expected}")


async def look_at(rest: Rest, memory: Memory, txids: Iterable[str]) -> None:
    """Ask what became of orders, and hold it against what was known."""
    asked = list(txids)
    for start in range(0, len(asked), QUERY_MAX):
        part = asked[start : start + QUERY_MAX]
        told = await rest.call("QueryOrders", txid=",".join(part))
        if missing := set(part) - told.keys():
            raise Broken(f"orders lost: {sorted(missing)}")
        for txid, order in told.items():
            memory.take_figures(txid, order)


async def check_cancelled(rest: Rest, memory: Memory) -> None:
    """Cancel a few again that were cancelled: they must not be open any more."""
    for txid in list(memory.cancelled)[-ASKED_AGAIN:]:
        try:
            await rest.call("CancelOrder", txid=txid)
        except Said as said:
            if str(said) != UNKNOWN_ORDER:
                raise Broken(f"cancelling {txid} again: {said}") from said
        else:
            raise Broken(f"{txid} was cancelled twice")


async def check_payments(rest: Rest, friend: Rest, memory: Memory) -> int:
    """Wait until every withdrawal is paid or given back, and hold what arrived against it; return its rao."""
    for _ in range(FINAL_LOOKS):
        rows = await withdrawals(rest)
        paid = sum(rao(row["amount"]) for row in rows.values() if row["status"] == "Success")
        arrived = rao((await friend.call("Balance")).get("TAO", "0"))
        if arrived > paid + sum(rao(row["amount"]) for row in rows.values() if row["status"] == "Pending"):
            raise Broken(f"{arrived} rao arrived of {rows}")
        if arrived == paid and all(row["status"] in {"Success", "Failure"} for row in rows.values()):
            return arrived
        await asyncio.sleep(LOOK_S)
    raise Broken(f"{arrived} rao arrived in the end, of {rows} for {ADDRESS_NAME}; answered {memory.paid_out}")


async def check_custody(base: str, node_url: str) -> int:
    """Compare custody with the chain; return how many balances agree."""
    try:
        return await compare_custody(base, node_url)
    except StoryBroken as broken:
        raise Broken(str(broken)) from broken
