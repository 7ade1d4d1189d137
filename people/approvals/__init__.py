"""Sensitive actions need a second approver (rule I4): requested by one person, approved by another,
then executed.

This package holds requests, votes and the rules for counting them. What can be requested and what
it does is a :class:`~people.approvals.request_types.RequestType`; all types are listed in
``procedures/approval_registry.py``.
"""
