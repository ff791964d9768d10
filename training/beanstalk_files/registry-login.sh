#!/bin/bash
# Let Docker pull the image of docker-compose.yml from ECR, with the rights of the instance profile.
set -euo pipefail
image=$(/opt/elasticbeanstalk/bin/get-config environment -k SLIPWAY_IMAGE)
registry=${image%%/*}
if [[ $registry =~ ^[0-9]{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$ ]]; then
  aws ecr get-login-password --region "${BASH_REMATCH[1]}" |
    docker login --username AWS --password-stdin "$registry"
fi
