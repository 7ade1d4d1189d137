"""Telling investigators of new cases: each case once, whatever crashes and however many workers
there are; what is opened within minutes is told together.

What is told is the reference and the kind. Of a case that names an investigator not even these:
whoever reads the alerts may be the one it names (rule I5).
"""
