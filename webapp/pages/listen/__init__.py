"""The listening room: the page of a guest who takes a blind test; no account, no socket, plain HTTP."""
