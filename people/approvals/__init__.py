"""What could be abused takes two people (rule I4): it is asked for, approved by another, then done.

This room knows requests, votes and when they count. What can be asked for, and what it does, is a
:class:`~people.approvals.request_types.RequestType`; all kinds stand in one table,
``procedures/approval_registry.py``.
"""
