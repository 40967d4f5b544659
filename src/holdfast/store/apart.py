"""What waits is written many at a time, and what cannot be written is lost alone.

What lives here: cutting a batch until the one is found that does not fit.
What never will: what is written, retries: who waits with a batch knows both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from holdfast.store.errors import StoreError

T = TypeVar("T")
R = TypeVar("R")


async def write_apart(
    batch: Sequence[T],
    write: Callable[[Sequence[T]], Awaitable[R]],
    settle: Callable[[Sequence[T], R], None],
    lose: Callable[[T, str], None],
) -> None:
    """Write a batch in one piece if that can be.

    Args:
        batch: at least one.
        write: all or none of them. What fails in it, but for a StoreError, is a bug of ours.
        settle: these were written, with what `write` answered; in the batch's order.
        lose: this one alone cannot be written; the error's name.

    Raises:
        StoreError: the store took no more of it; what was neither settled nor lost still waits.
    """
    try:
        answer = await write(batch)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - it must not stop the others
        if len(batch) == 1:
            lose(batch[0], type(error).__name__)
            return
        half = len(batch) // 2
        await write_apart(batch[:half], write, settle, lose)
        await write_apart(batch[half:], write, settle, lose)
        return
    settle(batch, answer)
