"""The ways a text leaves: one provider, one file, behind one small protocol."""
