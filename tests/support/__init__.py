"""Helpers of the tests: fakes, servers, browsers, models of a few kilobytes."""
