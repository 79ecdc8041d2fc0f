"""The models behind the backends: networks, algorithms and weight files. Imported only where separation runs."""
