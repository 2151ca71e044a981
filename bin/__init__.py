"""The commands a developer types; `bin.devstack` is what starts and stops the services behind them."""
