"""Statements about tables, views, sequences and what belongs to them."""

from collections.abc import Iterable

from postgast import pg_query_pb2 as pb

from ops.backups.judge import RELATION, STATISTICS, Judge
from ops.backups.nodes import names_in
from ops.backups.script import Name

_SERIAL = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})
_KEYS = frozenset({pb.CONSTR_PRIMARY, pb.CONSTR_UNIQUE})
# No dump takes back what it made: it would no longer be what its outline says.
_TAKEN_AWAY = frozenset(
    {
        *(pb.AT_DropColumn, pb.AT_DropConstraint, pb.AT_DropIdentity, pb.AT_DropExpression),
        *(pb.AT_DropInherit, pb.AT_DetachPartition, pb.AT_DetachPartitionFinalize, pb.AT_DropOf),
    }
)
_INDEXED = _KEYS | {pb.CONSTR_EXCLUSION}  # an index of the constraint's name comes with it


class Relations(Judge):
    """Judges them."""

    def _create_stmt(self, node: "pb.CreateStmt") -> str:
        name = self._of(node.relation)
        if node.relation.relpersistence == "t":
            return "no dump makes temporary tables"
        parents = [self._of(parent.range_var) for parent in node.inh_relations]
        if reason := self._own(*parents):
            return reason
        self._make_relation(name)
        self.script.tables.add(name)
        if not node.HasField("partspec"):
            self.script.stored.add(name)
        if node.HasField("partbound"):
            self.script.parents[name] = parents[0]
        reasons: list[str] = []
        for element in node.table_elts:
            kind = element.WhichOneof("node")
            if kind == "constraint":
                reasons.append(self._constrain(name, element.constraint))
            elif kind == "table_like_clause":  # its defaults may be others' sequences
                reasons.append(self._own(self._of(element.table_like_clause.relation)))
            else:
                reasons.append(self._define_column(name, element.column_def))
        return next(filter(None, reasons), "")

    def _define_column(self, table: Name, node: "pb.ColumnDef") -> str:
        if node.type_name.names and node.type_name.names[-1].string.sval in _SERIAL:
            self._own_sequence(table, f"{table[1]}_{node.colname}_seq")
        constraints = [item.constraint for item in node.constraints]
        reasons = [self._constrain(table, it, node.colname) for it in constraints]
        return next(filter(None, reasons), "")

    def _own_sequence(self, table: Name, name: str) -> None:
        self._make_relation((table[0], name))
        self.script.sequences.add((table[0], name))

    def _constrain(self, table: Name, node: "pb.Constraint", column: str = "") -> str:
        if node.contype in _KEYS:
            self.script.keyed.add(table)
        if node.contype in _INDEXED and node.conname:
            self._make(RELATION, (table[0], node.conname))
        if node.contype == pb.CONSTR_IDENTITY:
            named = [o.def_elem for o in node.options if o.def_elem.defname == "sequence_name"]
            parts = [part.string.sval for it in named for part in it.arg.list.items]
            self._own_sequence(table, parts[-1] if parts else f"{table[1]}_{column}_seq")
        elif node.conname and not node.skip_validation:
            self.script.constraints.add((table, node.conname))
        # A foreign key hinders what is done to the rows that it refers to.
        return self._own(self._of(node.pktable)) if node.HasField("pktable") else ""

    def _alter_table_stmt(self, node: "pb.AlterTableStmt") -> str:
        name = self._of(node.relation)
        if reason := self._own(name):
            return reason
        reasons = [self._alter(name, item.alter_table_cmd) for item in node.cmds]
        return next(filter(None, reasons), "")

    def _alter(self, table: Name, command: "pb.AlterTableCmd") -> str:
        kind = getattr(command, "def")
        if command.subtype in _TAKEN_AWAY:
            return "it takes away what the file made"
        if command.subtype == pb.AT_ChangeOwner:
            self._allow_role(command.newowner)
        elif command.subtype == pb.AT_AddColumn:
            return self._define_column(table, kind.column_def)
        elif command.subtype in (pb.AT_AddConstraint, pb.AT_AddIdentity):
            return self._constrain(table, kind.constraint, command.name)
        elif command.subtype == pb.AT_AddInherit:
            return self._own(self._of(kind.range_var))
        elif command.subtype == pb.AT_AttachPartition:
            partition = self._of(kind.partition_cmd.name)
            self.script.parents[partition] = table
            return self._own(partition)
        return ""

    def _index_stmt(self, node: "pb.IndexStmt") -> str:
        table = self._of(node.relation)
        if reason := self._own(table):
            return reason
        if node.idxname:
            self._make(RELATION, (table[0], node.idxname))
            self.script.indexes.add((table[0], node.idxname))
        if node.unique:
            self.script.keyed.add(table)
        return ""

    def _create_seq_stmt(self, node: "pb.CreateSeqStmt") -> str:
        name = self._of(node.sequence)
        if node.sequence.relpersistence == "t":
            return "no dump makes temporary sequences"
        self._make_relation(name)
        self.script.sequences.add(name)
        return self._owned_by(node.options)

    def _alter_seq_stmt(self, node: "pb.AlterSeqStmt") -> str:
        return self._own(self._of(node.sequence)) or self._owned_by(node.options)

    def _owned_by(self, options: "Iterable[pb.Node]") -> str:
        for option in options:
            if option.def_elem.defname == "owned_by":
                parts = [part.string.sval for part in option.def_elem.arg.list.items]
                if len(parts) > 1 and (reason := self._own(self._qualified(parts[:-1]))):
                    return reason
        return ""

    def _view_stmt(self, node: "pb.ViewStmt") -> str:
        name = self._of(node.view)
        if node.replace and (reason := self._own(name)):
            return reason
        if node.view.relpersistence == "t":
            return "no dump makes temporary views"
        self._make_relation(name)
        return self._read_own(node.query)

    def _create_table_as_stmt(self, node: "pb.CreateTableAsStmt") -> str:
        if node.objtype != pb.OBJECT_MATVIEW or not node.into.skip_data:
            return "it fills a table from a query"
        self._make_relation(self._of(node.into.rel))
        return self._read_own(node.query)

    def _refresh_mat_view_stmt(self, node: "pb.RefreshMatViewStmt") -> str:
        return self._own(self._of(node.relation))

    def _create_trig_stmt(self, node: "pb.CreateTrigStmt") -> str:
        self._acting.add(self._of(node.relation))
        return self._own(self._of(node.relation))

    def _rule_stmt(self, node: "pb.RuleStmt") -> str:
        self._acting.add(self._of(node.relation))
        reasons = (self._read_own(action) for action in node.actions)
        return self._own(self._of(node.relation)) or next(filter(None, reasons), "")

    def _create_policy_stmt(self, node: "pb.CreatePolicyStmt") -> str:
        return self._own(self._of(node.table))

    def _create_stats_stmt(self, node: "pb.CreateStatsStmt") -> str:
        tables = [self._of(relation.range_var) for relation in node.relations]
        self._make(STATISTICS, self._qualified(names_in(node.defnames)))
        return self._own(*tables)

    def _alter_stats_stmt(self, node: "pb.AlterStatsStmt") -> str:
        return self._own_of(STATISTICS, self._qualified(names_in(node.defnames)))
