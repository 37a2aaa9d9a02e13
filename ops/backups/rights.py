"""Statements about owners and rights, and comments."""

from postgast import pg_query_pb2 as pb

from ops.backups.judge import OF_OTHERS, Judge
from ops.backups.nodes import parts_of


class Rights(Judge):
    """Judges them."""

    def _alter_owner_stmt(self, node: "pb.AlterOwnerStmt") -> str:
        self._allow_role(node.newowner)
        if node.object_type == pb.OBJECT_PUBLICATION:
            known = (node.object.string.sval,) in self._made
            return "" if known else OF_OTHERS.format(node.object.string.sval)
        return self._own_object(node.object)

    def _grant_stmt(self, node: "pb.GrantStmt") -> str:
        if node.targtype != pb.ACL_TARGET_OBJECT:
            return "it grants on more than one object"
        if node.grant_option and node.is_grant:
            return "the right can be passed on"
        if node.is_grant:
            for grantee in node.grantees:
                self._allow_role(grantee.role_spec)
        for item in node.objects:
            if node.objtype == pb.OBJECT_SCHEMA and parts_of(item) == ("public",):
                self._object("it changes who may use schema public", fresh=True)
            elif reason := self._own_object(item):
                return reason
        return ""

    def _alter_default_privileges_stmt(self, node: "pb.AlterDefaultPrivilegesStmt") -> str:
        self._object("it changes the rights of objects that are made later", fresh=True)
        for option in node.options:
            if option.def_elem.defname == "roles":
                for role in option.def_elem.arg.list.items:
                    self._allow_role(role.role_spec)
        if node.action.is_grant:
            for grantee in node.action.grantees:
                self._allow_role(grantee.role_spec)
        return ""

    def _comment_stmt(self, node: "pb.CommentStmt") -> str:
        if node.objtype == pb.OBJECT_EXTENSION:
            name = node.object.string.sval
            self._object(f"it comments on the extension {name}", extension=name)
            return ""
        if node.objtype == pb.OBJECT_PUBLICATION:
            known = (node.object.string.sval,) in self._made
            return "" if known else OF_OTHERS.format(node.object.string.sval)
        if node.objtype == pb.OBJECT_CAST:
            return ""
        standard = node.comment == "standard public schema" and parts_of(node.object) == ("public",)
        return "" if standard else self._own_object(node.object)
