"""Anonymises whole tables: searches a recoding that reaches a goal, and applies it."""
