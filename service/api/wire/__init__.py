"""HTTP/1.1 on a socket (RFC 9112): turns bytes into requests, and responses into bytes.

Strict, because a server and a proxy before it that read the same bytes differently let one caller send another's
requests: what is not in the grammar is refused, and the connection ends after the refusal.
"""
