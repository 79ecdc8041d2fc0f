"""What people keep beside recordings and results: notes, presets, and what their listening tests have found."""
