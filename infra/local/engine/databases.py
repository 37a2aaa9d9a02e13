"""The databases of an instance."""

from dataclasses import dataclass

from psycopg import sql

from infra.local.engine.cluster import Cluster
from infra.local.engine.roles import SUPERUSER_ROLE


@dataclass(frozen=True, slots=True)
class Database:
    """A database of an instance.

    Attributes:
        name: Its name.
        charset: Its encoding, as ``UTF8``.
        collation: Its collation, as ``en_US.UTF8``.
    """

    name: str
    charset: str
    collation: str


def list_all(cluster: Cluster) -> tuple[Database, ...]:
    """Return the databases of an instance, templates left out."""
    with cluster.connect() as connection:
        rows = connection.execute(
            """SELECT datname, pg_encoding_to_char(encoding), datcollate
               FROM pg_database WHERE NOT datistemplate ORDER BY 1"""
        ).fetchall()
    return tuple(Database(*row) for row in rows)


def create(cluster: Cluster, name: str, charset: str | None, collation: str | None) -> None:
    """Create a database that belongs to cloudsqlsuperuser.

    Raises:
        psycopg.errors.DuplicateDatabase: If it exists.
        psycopg.Error: If PostgreSQL refuses the encoding or the collation.
    """
    statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(
        sql.Identifier(name), sql.Identifier(SUPERUSER_ROLE)
    )
    if charset is not None:
        statement += sql.SQL(" ENCODING {}").format(sql.Literal(charset))
    if collation is not None:
        locale = sql.Literal(collation)
        # Another locale than the template's needs the empty template.
        statement += sql.SQL(" LC_COLLATE {} LC_CTYPE {} TEMPLATE template0").format(locale, locale)
    with cluster.connect() as connection:
        connection.execute(statement)


def drop(cluster: Cluster, name: str) -> None:
    """Drop a database, disconnecting whoever is in it, as Cloud SQL does.

    Raises:
        psycopg.errors.InvalidCatalogName: If it does not exist.
    """
    with cluster.connect() as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
