"""How well the embedded engine hears, understands and answers; everything through a worker's socket."""
