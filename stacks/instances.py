"""What must be known about SageMaker's machines before AWS refuses them."""

from __future__ import annotations

import re

# Families with local NVMe disks. Their hardware encrypts the disks, and AWS refuses a KMS key for them (API
# reference of CreateEndpointConfig, KmsKeyId; of CreateTrainingJob and CreateTransformJob, VolumeKmsKeyId).
_LOCAL_DISK_FAMILY = re.compile(
    r"[a-z]+\d+[a-z]*d[a-z]*"  # a d after the generation: m5d, c6id, r7gd, g4dn, p3dn, p4de
    r"|g5|g6|g6e|gr6|g7|g7e|p4d|p5|p5e|p5en|p6-b200|p6-b300|p6e-gb200|trn1|trn1n|trn2|i3en"
)
# API reference: TransformInstanceType has none of the burstable families, TrainingInstanceType t3 alone.
_NO_TRAINING = re.compile(r"ml\.t2\.")
_NO_TRANSFORM = re.compile(r"ml\.t[23]\.")
# The second part of a family's name begins with a g where the processor is Arm: m6g, c7gn, r6gd; not g4dn.
_ARM_FAMILY = re.compile(r"ml\.[a-z]+\d+g[a-z]*\.")


def is_arm(instance_type: str) -> bool:
    """Return whether such a machine's processor is of Arm; the images are built for x86_64 only."""
    return bool(_ARM_FAMILY.match(instance_type))


def can_train(instance_type: str) -> bool:
    """Return whether training jobs run on such machines, as far as they are burstable."""
    return not _NO_TRAINING.match(instance_type)


def can_transform(instance_type: str) -> bool:
    """Return whether transform jobs run on such machines, as far as they are burstable."""
    return not _NO_TRANSFORM.match(instance_type)


def takes_volume_key(instance_type: str) -> bool:
    """Return whether the disks of such machines take a KMS key: those of ml.m5.large do, of ml.g5.xlarge not.

    It holds for endpoints, training jobs and transform jobs alike.
    """
    return not _LOCAL_DISK_FAMILY.fullmatch(instance_type.split(".")[1])
