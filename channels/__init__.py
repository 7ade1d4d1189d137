"""How the world reaches us: web pages, staff console, texts, REST API, command line.

Thin: parse, call one domain function, render. The only place that knows Flask.
"""
