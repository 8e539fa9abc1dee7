"""Specifications, without torch: experiments, their ingredients, and what is measured."""
