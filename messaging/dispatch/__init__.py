"""Workers that send what the outbox and the call queue hold."""
