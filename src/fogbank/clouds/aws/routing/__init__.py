"""AWS at either end of routes between clouds: how its resources are named, and what they make of CloudEvents."""
