"""The prompt row: what to isolate, one chip each, one colour each."""
