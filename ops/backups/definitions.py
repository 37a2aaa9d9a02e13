"""Statements about schemas, routines, types, operators, publications and extensions."""

from collections.abc import Iterable

from postgast import pg_query_pb2 as pb

from ops import dumptext
from ops.backups.judge import OF_OTHERS, Judge


class Definitions(Judge):
    """Judges them."""

    def _create_schema_stmt(self, node: "pb.CreateSchemaStmt") -> str:
        if node.schema_elts:
            return "it makes more than a schema"
        self._schemas.add(node.schemaname)
        if node.authrole.roletype != pb.ROLE_SPEC_TYPE_UNDEFINED:
            self._allow_role(node.authrole)
        return ""

    def _create_function_stmt(self, node: "pb.CreateFunctionStmt") -> str:
        name = self._qualified([part.string.sval for part in node.funcname])
        if node.replace and (reason := self._own(name)):
            return reason
        self._make(name)
        return ""

    def _made_as(self, names: "Iterable[pb.Node]") -> str:
        self._make(self._qualified([part.string.sval for part in names]))
        return ""

    def _create_enum_stmt(self, node: "pb.CreateEnumStmt") -> str:
        return self._made_as(node.type_name)

    def _create_range_stmt(self, node: "pb.CreateRangeStmt") -> str:
        return self._made_as(node.type_name)

    def _create_domain_stmt(self, node: "pb.CreateDomainStmt") -> str:
        return self._made_as(node.domainname)

    def _composite_type_stmt(self, node: "pb.CompositeTypeStmt") -> str:
        self._make(self._of(node.typevar))
        return ""

    def _define_stmt(self, node: "pb.DefineStmt") -> str:
        return "it replaces an object" if node.replace else self._made_as(node.defnames)

    def _create_op_class_stmt(self, node: "pb.CreateOpClassStmt") -> str:
        return self._made_as(node.opclassname)

    def _create_op_family_stmt(self, node: "pb.CreateOpFamilyStmt") -> str:
        return self._made_as(node.opfamilyname)

    def _alter_op_family_stmt(self, node: "pb.AlterOpFamilyStmt") -> str:
        return self._own(self._qualified([part.string.sval for part in node.opfamilyname]))

    def _alter_domain_stmt(self, node: "pb.AlterDomainStmt") -> str:
        return self._own(self._qualified([part.string.sval for part in node.type_name]))

    def _create_cast_stmt(self, node: "pb.CreateCastStmt") -> str:
        types = [
            [part.string.sval for part in it.names] for it in (node.sourcetype, node.targettype)
        ]
        if any(self._qualified(name) in self._made for name in types):
            return ""
        return "it makes a cast between types that the file does not make"

    def _create_publication_stmt(self, node: "pb.CreatePublicationStmt") -> str:
        self._made.add((node.pubname,))
        if node.for_all_tables:
            return "it publishes tables that the file does not make"
        return self._published(node.pubobjects)

    def _alter_publication_stmt(self, node: "pb.AlterPublicationStmt") -> str:
        if (node.pubname,) not in self._made:
            return OF_OTHERS.format(dumptext.label((node.pubname,)))
        return self._published(node.pubobjects)

    def _published(self, objects: "Iterable[pb.Node]") -> str:
        for item in objects:
            entry = item.publication_obj_spec
            if entry.pubobjtype != pb.PUBLICATIONOBJ_TABLE:
                if entry.name not in self._schemas:
                    return "it publishes a schema that the file does not make"
            elif reason := self._own(self._of(entry.pubtable.relation)):
                return reason
        return ""

    def _create_extension_stmt(self, node: "pb.CreateExtensionStmt") -> str:
        self._object(f"it installs the extension {node.extname}", extension=node.extname)
        return ""
