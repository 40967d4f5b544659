"""What conversations cost, and how much they may.

What lives here: the dated price table, the accounts of sessions, budgets.
What never will: SQL (`store`), a session's inside, ending one (the core).
"""

from holdfast.accounts.books import Books
from holdfast.accounts.budget import Caps
from holdfast.accounts.prices import Price, PriceTable, own_prices, rows_of

__all__ = ["Books", "Caps", "Price", "PriceTable", "own_prices", "rows_of"]
