# SPDX-License-Identifier: Apache-2.0
"""The demo's calls: who calls whom, and for how long. The same number gives the same calls."""

import random
from dataclasses import dataclass

# The tutorial's study case: number of the box, its resources.
BOXES = {
    1: {"vm": 50, "pstn": 32},
    2: {"vm": 100},
    3: {"vm": 50},
    4: {"vm": 10, "pstn": 64},
}
PSTN_BOXES = tuple(number for number, has in BOXES.items() if "pstn" in has)

# Of all calls: to voicemail, to the PSTN; the rest comes from the PSTN boxes.
VM_SHARE = 0.6
PSTN_SHARE = 0.3
# How full the boxes shall be, on the average, of what a resource has on all of them. Calls come
# unevenly, so half leaves room for the peaks.
FILL = 0.5
LONGEST_HOLD_MS = 5000


@dataclass(frozen=True)
class CallMix:
    core_calls: list  # (user, hold_ms), from the core proxy
    box_calls: dict  # number of the box -> (user, hold_ms) of its calls
    core_rate: float
    box_rate: float  # of each box

    @property
    def total(self) -> int:
        return len(self.core_calls) + sum(len(calls) for calls in self.box_calls.values())


def hold_ms(resource: str, calls_per_s: float) -> int:
    lines = sum(has.get(resource, 0) for has in BOXES.values())
    return max(20, min(LONGEST_HOLD_MS, round(1000 * FILL * lines / calls_per_s)))


def mix(calls: int, rate: float) -> CallMix:
    inbound_share = 1 - VM_SHARE - PSTN_SHARE
    from_boxes = round(calls * inbound_share)
    to_pstn = round(calls * PSTN_SHARE)
    to_vm = calls - from_boxes - to_pstn
    vm_hold = hold_ms("vm", rate * VM_SHARE)
    pstn_hold = hold_ms("pstn", rate * (PSTN_SHARE + inbound_share))

    chance = random.Random(1)
    core_calls = [(f"VM_{chance.randrange(1000, 9999)}", vm_hold) for _ in range(to_vm)]
    core_calls += [(f"49{chance.randrange(10**8, 10**9)}", pstn_hold) for _ in range(to_pstn)]
    chance.shuffle(core_calls)
    box_calls = {number: [] for number in PSTN_BOXES}
    for index in range(from_boxes):
        box = PSTN_BOXES[index % len(PSTN_BOXES)]
        box_calls[box].append((f"subscriber{chance.randrange(100, 999)}", pstn_hold))
    return CallMix(core_calls, box_calls, rate * (1 - inbound_share),
                   rate * inbound_share / len(PSTN_BOXES))
