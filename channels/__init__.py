"""The interfaces of the application: web pages, staff console, texts, REST API, command line.

Each channel is thin: it parses, calls one domain function and renders. Only channels use Flask.
"""
