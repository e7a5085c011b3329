"""Publishes finished run directories to an experiment tracker."""
