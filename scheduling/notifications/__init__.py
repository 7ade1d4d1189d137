"""What customers are told about their callbacks."""
