"""Alerts investigators to new cases: each case once, despite crashes and any number of workers.
Cases opened within minutes of each other share an alert.

An alert holds each case's reference and kind. For a case that names an investigator it holds
neither: the reader of the alert may be the person it names (rule I5).
"""
