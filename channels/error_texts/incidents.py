"""Sentences of the codes in ``incidents/error_codes.py``."""

from __future__ import annotations

from collections.abc import Mapping

from config.domain_errors import ErrorCode
from incidents.error_codes import IncidentErrorCode as Code

N_ = str

SENTENCES: Mapping[ErrorCode, str] = {
    Code.CALL_TIME_OUT_OF_RANGE: N_(
        "Choose the time of the call: in the past, and not more than a year ago."
    ),
    Code.CANARY_CALLBACK_NOT_FOUND: N_("There is no such callback of a canary."),
    Code.CANARY_COUNTRY_MISSING: N_("Write the number with its country, like +447400123456."),
    Code.CANARY_LINE_INVALID: N_("Line %(line)s: %(problem)s"),
    Code.CANARY_REFERENCES_USED_UP: N_(
        "Give a reference with more # or ?: no new one can be found."
    ),
    Code.CASE_CLOSED: N_("This case is closed. Reopen it before you work on it."),
    Code.CASE_CUSTOMER_NOT_FOUND: N_("This case is not about this customer."),
    Code.CASE_IS_CLOSED: N_("This case is closed."),
    Code.CASE_IS_OPEN: N_("Nobody has taken this case."),
    Code.CASE_IS_TAKEN: N_("Somebody has taken this case."),
    Code.CASE_IS_THE_SAME: N_("This is the same case."),
    Code.CASE_MERGED: N_("This case was joined to another one. Take that one apart instead."),
    Code.CASE_NAMES_YOURSELF: N_(
        "This is yourself. Give the case back, so that a colleague can continue."
    ),
    Code.CASE_NOT_CLOSED: N_("This case is not closed."),
    Code.CASE_NOT_FOUND: N_("There is no such case."),
    Code.CASE_NOT_FREE: N_("That case is closed, or a colleague has it."),
    Code.CASE_NOT_MERGED_HERE: N_("That case was not joined to this one."),
    Code.CASE_NOT_TAKEN: N_("Take this case before you work on it."),
    Code.CASE_OUTCOME_MISSING: N_("Choose the outcome of the case."),
    Code.CASE_PERSON_UNKNOWN: N_("Choose a colleague from the list."),
    Code.CASE_TEXT_MISSING: N_("Write a sentence or two."),
    Code.CASE_TOO_MANY_ENTRIES: N_("This is more than %(limit)s entries. Take the case apart."),
    Code.CASE_TOO_MUCH_EVIDENCE: N_(
        "This is more than %(limit)s pieces of evidence. Take the case apart."
    ),
    Code.CASE_UNDECIDED: N_("Decide the outcome of the case before you close it."),
    Code.CASE_WITH_COLLEAGUE: N_(
        "A colleague holds this case. You can read it, but not change it."
    ),
    Code.CUSTOMER_NUMBER_UNKNOWN: N_("We know no customer with this number."),
    Code.ENTRY_NOT_IN_LOG_YET: N_("An entry is not in the log yet. Try again in a minute."),
    Code.EXPLANATION_MISSING: N_("Write a sentence or two: why you needed the record."),
    Code.EXPORT_ENTRY_NOT_PROVEN: N_("Entry %(entry)s is cited and not proven."),
    Code.EXPORT_MANIFEST_INCOMPLETE: N_(
        "The manifest does not name the parts of an exported case."
    ),
    Code.EXPORT_NOT_ZIP: N_("This is not a ZIP file, or it is damaged."),
    Code.EXPORT_OTHER_CHECKPOINT: N_("A proof is of another checkpoint."),
    Code.EXPORT_PARTS_WRONG: N_("This file does not contain the parts of an exported case."),
    Code.EXPORT_PART_CHANGED: N_("%(part)s is not as it was signed."),
    Code.EXPORT_TOO_LARGE: N_("This file is too large."),
    Code.EXPORT_UNREADABLE: N_("A part of this file cannot be read."),
    Code.EXPORT_WRONG_MANIFEST: N_("The manifest is of something else."),
    Code.NOBODY_EXPOSED: N_("This person's access exposed nobody in that time."),
    Code.NOTE_NOT_FOUND: N_("You have no such note."),
    Code.NO_WARNING_GOING_ON: N_("No customers are being warned."),
    Code.NUMBER_IS_A_CANARYS: N_("This number belongs to a canary already."),
    Code.NUMBER_IS_A_CUSTOMERS: N_("This number belongs to a customer."),
    Code.OPENING_NOT_FOUND: N_("There is no such opening of your record."),
    Code.REPORT_OUTCOME_UNKNOWN: N_("Choose one of: %(outcomes)s."),
    Code.SEARCH_ABOUT_YOURSELF: N_("This is about yourself. Ask a colleague to look at it."),
    Code.SEARCH_NOT_STARTED: N_("Say again whose entries you want to read, and why."),
    Code.SPLIT_EMPTY: N_("Tick what does not belong here."),
    Code.SPLIT_TAKES_ALL: N_("Leave something here: this would be all of it."),
    Code.TRACE_COLUMNS_MISSING: N_(
        "%(file)s, line 1: the columns must be %(columns)s. Missing: %(missing)s."
    ),
    Code.TRACE_FIELD_UNKNOWN: N_("'%(text)s' is not a field that a caller can know: %(fields)s."),
    Code.TRACE_FILE_NOT_UTF8: N_("%(file)s: this is not text in UTF-8. Save it as CSV in UTF-8."),
    Code.TRACE_FILE_UNREADABLE: N_("%(file)s cannot be read: %(reason)s."),
    Code.TRACE_LINE_INVALID: N_("%(file)s, line %(line)s: %(problem)s"),
    Code.TRACE_NOT_CSV: N_("%(file)s, line %(line)s: this is not CSV: %(reason)s."),
    Code.TRACE_POPULATION_TOO_SMALL: N_(
        "%(file)s: more customers than the population of %(population)s. Give the number of"
        " all customers with --population."
    ),
    Code.TRACE_PROVEN_INVALID: N_("'%(text)s' is neither yes nor no."),
    Code.TRACE_SOURCE_RESERVED: N_(
        "'%(source)s' is the name of a source that is not a member of staff. Rename it."
    ),
    Code.TRACE_TIME_INVALID: N_("'%(text)s' is not a time. Write it like 2026-11-25T09:30:00Z."),
    Code.TRACE_TIME_IN_FUTURE: N_("'%(text)s' is in the future. Write when it was."),
    Code.TRACE_TIME_TOO_OLD: N_("'%(text)s' is before 1990. Write the year in full."),
    Code.TRACE_VALUE_COUNT_WRONG: N_(
        "%(found)s values where the first line names %(columns)s columns."
    ),
    Code.TRACE_VALUE_MISSING: N_("Give both staff and customer."),
    Code.WARNING_GOING_ON: N_("Customers are being warned already."),
}
