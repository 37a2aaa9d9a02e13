"""What the instances that drills make are called.

The drills name them so, and the cloud's access rules let a drill's account delete nothing
that is called otherwise.
"""

import hashlib

# Together with the project and a colon: https://cloud.google.com/sql/docs/postgres/instance-settings
NAME_LIMIT = 98


def name_stem(instance: str, project: str) -> str:
    """Return what the names of all of an instance's drill copies begin with.

    A long name is cut, and told from others with the same beginning by its hash.
    """
    room = NAME_LIMIT - len(project) - 1 - len("-drill-000000000000-0000-b99")
    if len(instance) > room:
        mark = hashlib.sha256(instance.encode()).hexdigest()[:6]
        instance = f"{instance[: room - 7]}-{mark}"
    return f"{instance}-drill-"
