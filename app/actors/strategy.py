"""What validators, miners and the owner of subnets do in the next block, by what they see at a block. Pure and seeded.

Validators set weights once in each epoch, a few blocks before it ends; where weights are hidden they commit to them
and reveal them when their time has come. Miners come to the arenas, the owner keeps few slots there, and whoever earns
least goes when a new one comes.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.actors.scene import MechanismSeen, Scene, SubnetSeen
from app.actors.scoring import CHARACTERS, Character, draw, score_miners
from chain.extrinsic import call_value
from chain.hashing import blake2b_256
from chain.keys import KeyPair
from chain.runtime.declarations import codec
from chain.runtime.genesis import DEV_OWNER, DEV_VALIDATORS

ARENAS: Final = (6,)
"""Subnets where miners compete for slots, unless told otherwise."""
MINERS_COLDKEY: Final = "//Miners"
"""Who pays for the miners that come, and owns them: nobody else signs for it, so that no nonce is used twice."""
PURSE: Final = 400 * 10**9
"""What the owner of the subnets gives it when it has nothing, once in a run; rao."""
SLOTS: Final = 64
"""Slots of an arena: as few as a chain allows."""
PRICE_MAX: Final = 100_000_000
"""Most that a miner pays for a slot, and the bound that the owner sets there, as low as an owner may; rao."""
IMMUNE_TEMPOS: Final = 2
CONTENDERS: Final = 96
"""Names of miners for each arena; whoever lost its slot may come again."""
FILL: Final = 3
"""Miners that come in one block while slots are free."""
PACE: Final = 8
"""Blocks between newcomers when all slots are taken, on average."""
ROWS_MAX: Final = 256
"""Committed rows that are remembered."""
_ENOUGH: Final = 2 * FILL * PRICE_MAX
"""With less than this, rao, nobody comes: there are fees too."""
_MODULE: Final = "SubtensorModule"
_PREIMAGE: Final = "(AccountId32, u16, Vec<u16>, Vec<u16>, Vec<u16>, u64)"
_SALT: Final = 4

Row = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Deed:
    """A call to be made by the key of a URI; ``kind`` is what it is counted as."""

    uri: str
    kind: str
    call: Any


@dataclass(frozen=True, slots=True)
class Validator:
    """A hotkey that scores, and how."""

    uri: str
    hotkey: bytes
    character: Character


class Strategy:
    """All actors of one seed; remembers only which rows its commits stand for."""

    def __init__(self, seed: int, *, arenas: Sequence[int] = ARENAS) -> None:
        self.seed = seed
        self.arenas = frozenset(arenas)
        first = draw(seed, "characters", below=len(CHARACTERS))
        self.validators = tuple(
            Validator(uri, KeyPair.from_uri(uri).public, CHARACTERS[(first + place) % len(CHARACTERS)])
            for place, (uri, _) in enumerate(DEV_VALIDATORS)
        )
        self._owner, owner_hotkey = (KeyPair.from_uri(uri).public for uri in DEV_OWNER)
        # Who earns has stake, and who has stake may get a permit: it says nothing about who is a miner.
        self._not_miners = {owner_hotkey, *(validator.hotkey for validator in self.validators)}
        self.miners = KeyPair.from_uri(MINERS_COLDKEY).public
        self._has_funded = False
        self._asked: set[tuple[int, str]] = set()
        self._rows: OrderedDict[bytes, tuple[Row, list[int]]] = OrderedDict()
        self._contenders: dict[tuple[int, int], bytes] = {}

    def decide(self, scene: Scene) -> list[Deed]:
        """Return what is to be done in the block after the scene, in an order that is always the same."""
        deeds = []
        for subnet in scene.subnets:
            if subnet.netuid in self.arenas:
                deeds += self._keep_arena(subnet)
                deeds += self._enter(subnet, scene.height + 1) if scene.purse > _ENOUGH else self._fund(subnet)
            for mechanism in subnet.mechanisms:
                for validator in self.validators:
                    deeds += self._weigh(subnet, mechanism, validator, scene.height + 1)
        return deeds

    # The owner.

    def _keep_arena(self, subnet: SubnetSeen) -> list[Deed]:
        """Ask for the rules of an arena, each once: few slots, a short time of protection, a low price."""
        if subnet.owner != self._owner:
            return []
        wanted = []
        if subnet.slots > SLOTS and len(subnet.hotkeys) <= SLOTS:
            wanted.append(("sudo_set_max_allowed_uids", "max_allowed_uids", SLOTS))
        if subnet.immunity > IMMUNE_TEMPOS * subnet.tempo:
            wanted.append(("sudo_set_immunity_period", "immunity_period", IMMUNE_TEMPOS * subnet.tempo))
        if subnet.max_burn > PRICE_MAX:
            wanted.append(("sudo_set_max_burn", "max_burn", PRICE_MAX))
        deeds = []
        for name, argument, value in wanted:
            if (subnet.netuid, name) not in self._asked:
                self._asked.add((subnet.netuid, name))
                call = call_value("AdminUtils", name, netuid=subnet.netuid, **{argument: value})
                deeds.append(Deed(DEV_OWNER[0], "rule", call))
        return deeds

    def _fund(self, subnet: SubnetSeen) -> list[Deed]:
        """Give the miners something to pay with, once."""
        if subnet.owner != self._owner or self._has_funded:
            return []
        self._has_funded = True
        call = call_value("Balances", "transfer_keep_alive", dest=("Id", self.miners), value=PURSE)
        return [Deed(DEV_OWNER[0], "funding", call)]

    # Miners.

    def _enter(self, subnet: SubnetSeen, block: int) -> list[Deed]:
        if subnet.slots > SLOTS or subnet.burn > PRICE_MAX:
            return []
        free = subnet.slots - len(subnet.hotkeys)
        if free <= 0 and draw(self.seed, "pace", subnet.netuid, block, below=PACE):
            return []
        present, deeds = set(subnet.hotkeys), list[Deed]()
        start = draw(self.seed, "contender", subnet.netuid, block, below=CONTENDERS)
        for step in range(CONTENDERS):
            if len(deeds) == min(max(free, 1), FILL):
                break
            hotkey = self._contender(subnet.netuid, (start + step) % CONTENDERS)
            if hotkey not in present:
                call = call_value(_MODULE, "register_limit", netuid=subnet.netuid, hotkey=hotkey, limit_price=PRICE_MAX)
                deeds.append(Deed(MINERS_COLDKEY, "registration", call))
        return deeds

    def _contender(self, netuid: int, number: int) -> bytes:
        key = (netuid, number)
        if key not in self._contenders:
            self._contenders[key] = KeyPair.from_uri(f"//Contender//{self.seed}//{netuid}//{number}").public
        return self._contenders[key]

    # Validators.

    def _weigh(self, subnet: SubnetSeen, mechanism: MechanismSeen, validator: Validator, block: int) -> list[Deed]:
        uid = subnet.uid_of(validator.hotkey)
        if uid is None:
            return []
        deeds = self._reveal(subnet, mechanism, validator, block) if subnet.hides else []
        if not subnet.may_weigh(uid) or not self._is_time(subnet, mechanism, validator, uid, block):
            return deeds
        row = self._score(subnet, mechanism, validator, block)
        if not row:
            return deeds
        if subnet.hides:
            return [*deeds, self._commit(subnet, mechanism, validator, row, block)]
        call = call_value(_MODULE, "set_mechanism_weights", **_arguments(subnet, mechanism, row, "dests", "weights"))
        return [*deeds, Deed(validator.uri, "weights", call)]

    def _is_time(
        self, subnet: SubnetSeen, mechanism: MechanismSeen, validator: Validator, uid: int, block: int
    ) -> bool:
        """Tell whether a validator weighs now: once in an epoch, each some blocks before its end."""
        if subnet.tempo == 0:
            return False
        last = mechanism.last_update[uid] if uid < len(mechanism.last_update) else 0
        if last > subnet.last_epoch or (last and block - last < subnet.interval):
            return False
        epoch = subnet.epoch_at(block)
        early = draw(self.seed, "when", mechanism.index, validator.hotkey, epoch, below=max(subnet.tempo // 3, 1))
        return block >= subnet.last_epoch + subnet.tempo - 1 - early

    def _score(self, subnet: SubnetSeen, mechanism: MechanismSeen, validator: Validator, block: int) -> Row:
        miners = [(uid, hotkey) for uid, hotkey in enumerate(subnet.hotkeys) if hotkey not in self._not_miners]
        return score_miners(
            self.seed,
            subnet.netuid,
            mechanism.mecid,
            miners,
            epoch=subnet.epoch_at(block),
            validator=validator.hotkey,
            character=validator.character,
        )

    def _commit(self, subnet: SubnetSeen, mechanism: MechanismSeen, validator: Validator, row: Row, block: int) -> Deed:
        salt = [
            draw(self.seed, "salt", mechanism.index, validator.hotkey, block, place, below=65_536)
            for place in range(_SALT)
        ]
        uids, values = [uid for uid, _ in row], [value for _, value in row]
        preimage = (validator.hotkey, mechanism.index, uids, values, salt, 0)
        digest = blake2b_256(codec().encode(_PREIMAGE, preimage))
        self._rows[digest] = (row, salt)
        while len(self._rows) > ROWS_MAX:
            self._rows.popitem(last=False)
        call = call_value(
            _MODULE, "commit_mechanism_weights", netuid=subnet.netuid, mecid=mechanism.mecid, commit_hash=digest
        )
        return Deed(validator.uri, "commit", call)

    def _reveal(self, subnet: SubnetSeen, mechanism: MechanismSeen, validator: Validator, block: int) -> list[Deed]:
        """Reveal what is due in this epoch and known; a start anew knows nothing of older commits, which expire."""
        due = subnet.epoch_at(block) - subnet.reveal_period
        for digest, epoch in mechanism.commits.get(validator.hotkey, ()):
            if epoch == due and digest in self._rows:
                row, salt = self._rows[digest]
                arguments = _arguments(subnet, mechanism, row, "uids", "values")
                call = call_value(_MODULE, "reveal_mechanism_weights", **arguments, salt=salt)
                return [Deed(validator.uri, "reveal", call)]
        return []


def _arguments(subnet: SubnetSeen, mechanism: MechanismSeen, row: Row, uids: str, values: str) -> dict[str, Any]:
    """Return what all calls with a row have, under the names that this one gives to its columns."""
    return {
        "netuid": subnet.netuid,
        "mecid": mechanism.mecid,
        uids: [uid for uid, _ in row],
        values: [value for _, value in row],
        "version_key": 0,
    }
