"""What runs in an environment: instances, the bundles on them, deployments, health and logs."""
