"""What several actors read from the same messages: open orders, holdings, values."""
