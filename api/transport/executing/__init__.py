"""Running operations, and letting equal subscriptions share one execution."""
