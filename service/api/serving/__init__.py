"""How one process keeps versions at hand and returns small predictions quickly."""
