"""Who may send which request: keys, what each route asks of a key, and the routes that make and revoke keys."""
