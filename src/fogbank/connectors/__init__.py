"""The only code that touches two engines: triggers, targets, deliveries, and the sweeping up."""
