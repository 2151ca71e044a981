"""What a newcomer sees after `bin/up`: three communities with ninety days behind them, and two markets that trade.

`load` makes it once, by the same operations that serve requests; `feed` keeps it alive: meters report each
quarter-hour, and members place orders for the hours ahead, of what their meters will count, so that trades are
delivered and settled. All of it is simulated by seed. Neither runs unless
`COMMONWATT_DEMO` is set, which a production start never does.
"""
