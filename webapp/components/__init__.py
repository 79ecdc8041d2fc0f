"""The parts pages are built from: what is drawn, and what is heard."""
