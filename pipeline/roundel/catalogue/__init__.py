"""The equipment catalogue: facts about types, each with its source."""
