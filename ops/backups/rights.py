"""Statements about owners and rights, and comments."""

from postgast import pg_query_pb2 as pb

from ops.backups.judge import CAST, OF_OTHERS, SCHEMA, Judge, options_of
from ops.backups.nodes import argument_types, parts_of


class Rights(Judge):
    """Judges them."""

    def _alter_owner_stmt(self, node: "pb.AlterOwnerStmt") -> str:
        self._allow_role(node.newowner)
        return self._own_object(node.object_type, node.object)

    def _grant_stmt(self, node: "pb.GrantStmt") -> str:
        if node.targtype != pb.ACL_TARGET_OBJECT:
            return "it grants on more than one object"
        if node.grant_option and node.is_grant:
            return "the right can be passed on"
        if node.is_grant:
            self._allow_roles(node.grantees)
        for item in node.objects:
            if node.objtype == pb.OBJECT_SCHEMA and parts_of(item) == ("public",):
                if not self.allowed.is_new:
                    return "it changes who may use schema public"
            elif reason := self._own_object(node.objtype, item):
                return reason
        return ""

    def _alter_default_privileges_stmt(self, node: "pb.AlterDefaultPrivilegesStmt") -> str:
        options = options_of(node.options)
        if "roles" in options:
            self._allow_roles(options["roles"].list.items)
        if node.action.is_grant:
            self._allow_roles(node.action.grantees)
            if node.action.grant_option:
                return "the right can be passed on"
        schemas = (
            [parts_of(it) for it in options["schemas"].list.items] if "schemas" in options else []
        )
        if self.allowed.is_new or (schemas and not self._own_of(SCHEMA, *schemas)):
            return ""
        return "it changes the rights of objects that others make later"

    def _comment_stmt(self, node: "pb.CommentStmt") -> str:
        if node.objtype == pb.OBJECT_EXTENSION:
            name = node.object.string.sval
            known = name in self.allowed.extensions().own
            return "" if known else f"only the owner of the extension {name} may comment on it"
        if node.objtype == pb.OBJECT_CAST:
            name = argument_types(node.object.list.items)
            known = (CAST, name) in self.script.made
            return "" if known else OF_OTHERS.format(f"a cast from {name[0]} to {name[1]}")
        standard = node.comment == "standard public schema" and parts_of(node.object) == ("public",)
        return "" if standard else self._own_object(node.objtype, node.object)
