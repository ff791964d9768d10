"""What every door of ours does with a request, whatever brings it: an HTTP server or a function on Lambda."""
