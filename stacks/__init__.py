"""What AWS gets: the stacks, their settings and rules."""
