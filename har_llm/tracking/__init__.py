"""Finished run directories, published to an experiment tracker."""
