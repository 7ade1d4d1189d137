"""The audit log as a Merkle tree (RFC 9162) with signed checkpoints (C2SP tlog-checkpoint)."""
