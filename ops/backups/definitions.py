"""Statements about schemas, routines, types, operators, publications and extensions."""

from collections.abc import Iterable

from postgast import pg_query_pb2 as pb

from ops.backups import judge
from ops.backups.judge import KINDS, PUBLICATION, ROUTINE, SCHEMA, TYPE, Judge, options_of
from ops.backups.nodes import argument_types, names_in, parameter_types
from ops.backups.script import Name


class Definitions(Judge):
    """Judges them."""

    def _create_schema_stmt(self, node: "pb.CreateSchemaStmt") -> str:
        if node.schema_elts:
            return "it makes more than a schema"
        if not node.if_not_exists or (self.allowed.is_new and node.schemaname != "public"):
            self._make(SCHEMA, (node.schemaname,))
        if node.authrole.roletype != pb.ROLE_SPEC_TYPE_UNDEFINED:
            self._allow_role(node.authrole)
        return ""

    def _create_function_stmt(self, node: "pb.CreateFunctionStmt") -> str:
        name = (*self._qualified(names_in(node.funcname)), *parameter_types(node.parameters))
        if node.replace and (reason := self._own_of(ROUTINE, name)):
            return reason
        self._make(ROUTINE, name)
        definer = options_of(node.options).get("security")
        if definer is not None and definer.boolean.boolval and not self.allowed.is_new:
            return "it lets its callers do to what is there what its owner may"
        return ""

    def _made_as(self, kind: str, names: "Iterable[pb.Node]", *further: str) -> str:
        self._make(kind, (*self._qualified(names_in(names)), *further))
        return ""

    def _create_enum_stmt(self, node: "pb.CreateEnumStmt") -> str:
        return self._made_as(TYPE, node.type_name)

    def _create_range_stmt(self, node: "pb.CreateRangeStmt") -> str:
        name = self._qualified(names_in(node.type_name))
        named = options_of(node.params).get("multirange_type_name")
        if named is not None:
            multirange = self._qualified(names_in(named.type_name.names))
        elif "range" in name[1]:
            multirange = (name[0], name[1].replace("range", "multirange", 1))
        else:
            multirange = (name[0], f"{name[1]}_multirange")
        self._make(TYPE, multirange)
        return self._made_as(TYPE, node.type_name)

    def _create_domain_stmt(self, node: "pb.CreateDomainStmt") -> str:
        return self._made_as(TYPE, node.domainname)

    def _composite_type_stmt(self, node: "pb.CompositeTypeStmt") -> str:
        for kind in (TYPE, judge.RELATION):  # comments on its columns name it as one
            self._make(kind, self._of(node.typevar))
        return ""

    def _define_stmt(self, node: "pb.DefineStmt") -> str:
        if node.replace:
            return "it replaces an object"
        kind = KINDS.get(node.kind, str(node.kind))
        further: Name = ()
        if node.kind == pb.OBJECT_AGGREGATE and node.args:
            further = parameter_types(node.args[0].list.items)
        elif node.kind == pb.OBJECT_OPERATOR:
            options = options_of(node.definition)
            sides = (options.get(side, pb.Node()) for side in ("leftarg", "rightarg"))
            further = argument_types(sides)
        return self._made_as(kind, node.defnames, *further)

    def _create_conversion_stmt(self, node: "pb.CreateConversionStmt") -> str:
        if getattr(node, "def"):
            return "others' text is then converted by it"
        return self._made_as(judge.CONVERSION, node.conversion_name)

    def _alter_tsconfiguration_stmt(self, node: "pb.AlterTSConfigurationStmt") -> str:
        return self._own_of(judge.CONFIGURATION, self._qualified(names_in(node.cfgname)))

    def _create_op_class_stmt(self, node: "pb.CreateOpClassStmt") -> str:
        family = self._qualified(names_in(node.opfamilyname)) if node.opfamilyname else ()
        if family and (reason := self._own_of(judge.FAMILY, family)):
            return reason
        return self._made_as(judge.CLASS, node.opclassname)

    def _create_op_family_stmt(self, node: "pb.CreateOpFamilyStmt") -> str:
        return self._made_as(judge.FAMILY, node.opfamilyname)

    def _alter_op_family_stmt(self, node: "pb.AlterOpFamilyStmt") -> str:
        return self._own_of(judge.FAMILY, self._qualified(names_in(node.opfamilyname)))

    def _alter_domain_stmt(self, node: "pb.AlterDomainStmt") -> str:
        return self._own_of(TYPE, self._qualified(names_in(node.type_name)))

    def _create_cast_stmt(self, node: "pb.CreateCastStmt") -> str:
        types = (names_in(it.names) for it in (node.sourcetype, node.targettype))
        if not any(
            self._has(kind, self._qualified(name))
            for name in types
            for kind in (TYPE, judge.RELATION)
        ):
            return "it makes a cast between types that the file does not make"
        sides = (pb.Node(type_name=it) for it in (node.sourcetype, node.targettype))
        self.script.made.add((judge.CAST, argument_types(sides)))
        return ""

    def _create_publication_stmt(self, node: "pb.CreatePublicationStmt") -> str:
        self._make(PUBLICATION, (node.pubname,))
        if node.for_all_tables:
            return "it publishes tables that the file does not make"
        return self._published(node.pubobjects)

    def _alter_publication_stmt(self, node: "pb.AlterPublicationStmt") -> str:
        return self._own_of(PUBLICATION, (node.pubname,)) or self._published(node.pubobjects)

    def _published(self, objects: "Iterable[pb.Node]") -> str:
        for item in objects:
            entry = item.publication_obj_spec
            if entry.pubobjtype != pb.PUBLICATIONOBJ_TABLE:
                if not self._has(SCHEMA, (entry.name,)):
                    return "it publishes a schema that the file does not make"
            elif reason := self._own(self._of(entry.pubtable.relation)):
                return reason
        return ""

    def _create_extension_stmt(self, node: "pb.CreateExtensionStmt") -> str:
        self.script.made.add((judge.EXTENSION, (node.extname,)))
        if "cascade" in options_of(node.options):
            return "it installs further extensions"
        known = node.extname in self.allowed.extensions().installed
        return "" if known else f"it installs the extension {node.extname}"
