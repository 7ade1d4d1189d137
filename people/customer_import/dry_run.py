"""Remembers what a dry run has read so far, since it stores nothing."""

from __future__ import annotations

from people.customer_import.upsert import BatchOutcome
from people.customer_import.validation import ImportRow, phone_problem
from people.error_codes import PeopleErrorCode

#: Customers remembered, in about 100 MB; later lines are compared with these only.
MAX_REMEMBERED_ROWS = 300_000


class DryRunMemory:
    """References and numbers of earlier lines, by their hashes, which Python salts."""

    def __init__(self, most: int = MAX_REMEMBERED_ROWS) -> None:
        self._most = most
        self._refs: dict[int, tuple[int, int]] = {}
        self._phones: dict[int, int] = {}
        self.full = False

    def reconcile_batch(self, outcome: BatchOutcome) -> BatchOutcome:
        """Return the outcome of the batch as if all lines before it had been stored."""
        reconciled = BatchOutcome(same=outcome.same, problems=list(outcome.problems))
        for row in outcome.added:
            self._reconcile_row(reconciled, row, new=True)
        for row, customer, key in outcome.changed:
            if self._reconcile_row(reconciled, row, new=False):
                reconciled.changed.append((row, customer, key))
        return reconciled

    def _reconcile_row(self, found: BatchOutcome, row: ImportRow, *, new: bool) -> bool:
        """Return whether the row changes a customer who is in the database."""
        ref, phone = hash(row.ref), hash(row.phone)
        rest = hash((row.name, row.locale, row.timezone))
        known = self._refs.get(ref)
        if known is None and phone not in self._phones:
            if new:
                found.added.append(row)
            self._remember_row(ref, phone, rest)
            return not new
        if known is not None and known[0] != phone:
            found.problems.append(phone_problem(row, PeopleErrorCode.IMPORT_NUMBER_DIFFERS))
        elif self._phones.get(phone) != ref:
            found.problems.append(phone_problem(row, PeopleErrorCode.IMPORT_NUMBER_TAKEN))
        elif known is not None and known[1] == rest:
            found.same += 1
        else:
            self._refs[ref] = (phone, rest)
            found.altered += 1
        return False

    def _remember_row(self, ref: int, phone: int, rest: int) -> None:
        if len(self._refs) >= self._most:
            self.full = True
            return
        self._refs[ref], self._phones[phone] = (phone, rest), ref
