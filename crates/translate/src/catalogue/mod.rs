//! What each Bedrock model can do: reasoning control, limits, replay rule; data, not code.
