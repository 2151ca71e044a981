"""Prices that markets are watched by: models, calendars, tariffs of the grid, forecasts and alerts."""
