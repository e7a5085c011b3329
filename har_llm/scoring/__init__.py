"""Generations, made predictions and scores, and what a difference of scores means. Pure."""
