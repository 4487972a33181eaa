"""The protocols of other servers, for clients that speak them already."""
