"""Messaging providers: one file each, behind one small protocol."""
