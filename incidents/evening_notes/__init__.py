"""The evening note: staff are asked, the same evening, about accesses with nothing behind them."""
