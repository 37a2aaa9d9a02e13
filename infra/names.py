"""Names of resources that Google limits in length: made from the instance's."""

import hashlib

MARK = 6  # digits of a hash: two long names that begin alike stay apart


def fitting(instance: str, suffix: str, most: int) -> str:
    """Return ``INSTANCE-SUFFIX``, the instance's name cut and marked where that is too long.

    Args:
        instance: Name of the instance.
        suffix: What the resource is to it.
        most: Characters that the name may have.
    """
    candidate = f"{instance}-{suffix}"
    if len(candidate) <= most:
        return candidate
    mark = hashlib.sha256(instance.encode()).hexdigest()[:MARK]
    room = most - len(suffix) - MARK - 2
    return f"{instance[:room].rstrip('-')}-{mark}-{suffix}"
