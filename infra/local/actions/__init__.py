"""What the operations do, one module a type; each leaves nothing half-made."""

from collections.abc import Mapping

from infra.local.actions import (
    backup,
    clone,
    create,
    delete,
    failover,
    move,
    recreate,
    replica,
    restart,
    restore,
    switchover,
    update,
)
from infra.local.model import OperationType
from infra.local.work import Action

ACTIONS: Mapping[OperationType, Action] = {
    OperationType.CREATE: Action(create.run, create.undo),
    OperationType.CLONE: Action(clone.run, create.undo),
    OperationType.UPDATE: Action(update.run, update.undo),
    OperationType.RESTART: Action(restart.run, restart.undo, resumes=True),
    OperationType.AUTO_RESTART: Action(restart.run, restart.give_up, resumes=True),
    OperationType.FAILOVER: Action(failover.run, failover.undo, resumes=True),
    OperationType.RECREATE_REPLICA: Action(recreate.run, recreate.undo),
    OperationType.CREATE_REPLICA: Action(replica.create, create.undo),
    OperationType.PROMOTE_REPLICA: Action(replica.promote, replica.undo_promote, resumes=True),
    OperationType.START_REPLICA: Action(replica.start, replica.undo, resumes=True),
    OperationType.STOP_REPLICA: Action(replica.stop, replica.undo, resumes=True),
    OperationType.SWITCHOVER: Action(switchover.run, switchover.undo, resumes=True),
    OperationType.DELETE: Action(delete.run, delete.undo, resumes=True),
    OperationType.BACKUP_VOLUME: Action(backup.run, backup.undo),
    OperationType.DELETE_BACKUP: Action(backup.delete, backup.undo_delete, resumes=True),
    OperationType.EXPORT: Action(move.export, move.undo),
    OperationType.IMPORT: Action(move.bring_in, move.undo),
    OperationType.RESTORE_VOLUME: Action(restore.run, restore.undo, resumes=True),
}
