# SPDX-License-Identifier: Apache-2.0
"""Which steps may be quoted. A lost message is in no histogram, so that a step which loses many looks
quick; and a ceiling below what goes through it is none."""

from .machine import BenchError

TRIES = 3  # of a step that should pass: the machine may have been busy with something else
CEILING_TRIES = 2
# What spoils a step, by the names of the generator's JSON.
SPOILING = ("calls_lost", "calls_refused", "calls_slipped", "late", "repeated", "trying_missing",
            "broken_frames", "lost", "wrong", "statuses")


def spoilt_by(step: dict) -> str:
    """Why the step must not be quoted; nothing where it passed."""
    if step["passed"]:
        # Calls that were never begun would have been the slow ones.
        known = step["latency"]["all"]["p999_us"] is not None
        return "" if known else f"calls slipped: {step['calls_slipped']}, so that p99.9 is unknown"
    return wrong_in(step) or "the wanted rate was not reached"


def wrong_in(counts: dict) -> str:
    """What is not as it should be, of a step or of what was before and after the steps."""
    return ", ".join(f"{name.replace('_', ' ')}: {counts[name]}" for name in SPOILING if counts.get(name))


def tried(measure, doubt, tries: int, name: str) -> tuple:
    """What `measure` finds, again where there is doubt about it; and the doubt about the last one."""
    for left in reversed(range(tries)):
        found = measure()
        why = doubt(found)
        if not why:
            break
        print(f"{name}: {why}{'; once more' if left else ''}", flush=True)
    return found, why


def step_that_passed(measure, name: str) -> tuple:
    """A step, and why it must not be quoted though it was tried again."""
    return tried(measure, spoilt_by, TRIES, name)


def credible_search(search, start: float, name: str) -> dict:
    """The best step of a search that begins at `start` calls a second: below that is no rate that
    was looked for, but a moment in which the machine was held up."""
    best, why = tried(
        search, lambda step: "" if step["rate_from"] >= start else
        f"{step['rate_from']:,.0f} calls a second at most, below {start:,.0f}", CEILING_TRIES, name)
    if why:
        raise BenchError(f"{why}; is the machine busy with something else?")
    return best


def ceiling_doubt(best: dict, start: float, reached: float) -> str:
    packets = best["window"]["sent_per_s"]
    if best["rate_from"] < start:
        return f"5tswap has {best['rate_from']:,.0f} packets a second at most, below {start:,.0f}"
    if packets < reached:
        return f"5tswap has {packets:,.0f} packets a second, of which linehunt reached {reached:,.0f}"
    return ""


def credible_ceiling(search, start: float, *, reached: float = 0, tries: int = CEILING_TRIES) -> dict:
    """The best step of a search with 5tswap that begins at `start` packets a second. It cannot be
    below that, nor below what linehunt has reached, unless something disturbed it."""
    best, why = tried(search, lambda found: ceiling_doubt(found, start, reached), tries, "ceiling")
    if why:
        raise BenchError(f"{why}; is the machine busy with something else?")
    return best
