"""The Strategy API and the actor that hosts strategies."""
