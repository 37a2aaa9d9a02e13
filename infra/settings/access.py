"""The application's database, its users, and the people who log in with IAM."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from infra.settings.keys import Email, Identifier, Keys, Rule, key, keys
from ops.cloudsqlroles import CLOUD_SQL

if TYPE_CHECKING:
    from infra.settings.declared import Declared

RESERVED = frozenset({*CLOUD_SQL, "template0", "template1"})
SERVICE_ACCOUNT = ".gserviceaccount.com"
IamRole = Literal["owner", "app", "readonly", "monitor"]


@dataclass(frozen=True, slots=True)
class PasswordRecipe:
    """How passwords are generated.

    Attributes:
        length: Number of characters.
        special: Those that are neither letters nor digits.
        least: Fewest characters of each kind.
    """

    length: int
    special: str
    least: int


# Every recipe that there was, the newest last. Never change one, add another: a password of
# another recipe is another password, and users get it only with another version, which a
# recipe's place in here is part of. No URL has to escape these special characters.
PASSWORD_RECIPES: tuple[PasswordRecipe, ...] = (PasswordRecipe(length=32, special="-_", least=1),)
VERSIONS_OF_A_RECIPE = 10_000
PASSWORD_LENGTH = PASSWORD_RECIPES[-1].length
PASSWORD_SPECIAL = PASSWORD_RECIPES[-1].special


class AccessKeys(Keys):
    """Keys of the database and its users."""

    database: Identifier = Field("ai_square", description="Name of the application's database.")
    owner_user: Identifier = Field(
        "ai_square_owner", description="User that owns the schema and runs migrations."
    )
    app_user: Identifier = Field("ai_square_app", description="User of the application.")
    readonly_user: Identifier = Field(
        "ai_square_readonly", description="User that reads the application's tables."
    )
    monitor_user: Identifier = Field(
        "ai_square_monitor", description="User that reads statistics and no data (pg_monitor)."
    )
    password_version: int = Field(
        1,
        ge=1,
        lt=VERSIONS_OF_A_RECIPE,
        description="Raise it to give every user another generated password.",
    )
    iam_users: dict[Email, IamRole] = Field(
        {}, description="IAM users and service accounts that may log in, and as what."
    )


@dataclass(frozen=True, slots=True)
class Users:
    """PostgreSQL users with a generated password.

    Attributes:
        owner: Owns the schema and runs migrations.
        app: The application's.
        readonly: Reads the application's tables.
        monitor: Reads statistics and no data.
        password_version: Another number means other passwords.
        recipes: How they were and are generated, the newest last.
    """

    owner: str
    app: str
    readonly: str
    monitor: str
    password_version: int
    recipes: tuple[PasswordRecipe, ...] = PASSWORD_RECIPES

    @property
    def recipe(self) -> PasswordRecipe:
        """How passwords are generated now."""
        return self.recipes[-1]

    @property
    def handed_version(self) -> int:
        """The version under which passwords are handed over: another recipe is another one."""
        return self.password_version + VERSIONS_OF_A_RECIPE * (len(self.recipes) - 1)

    def by_role(self) -> tuple[tuple[str, str], ...]:
        """Return every role in our words with its user: ``("owner", "ai_square_owner")``."""
        return (
            ("owner", self.owner),
            ("app", self.app),
            ("readonly", self.readonly),
            ("monitor", self.monitor),
        )


@dataclass(frozen=True, slots=True)
class IamUser:
    """Somebody who logs in with IAM.

    Attributes:
        email: As IAM knows them.
        role: Whose rights they have: ``owner``, ``app``, ``readonly`` or ``monitor``.
    """

    email: str
    role: str

    @property
    def is_service_account(self) -> bool:
        """Whether it is a service account and no person."""
        return self.email.endswith(SERVICE_ACCOUNT)

    @property
    def type(self) -> str:
        """The Admin API's type of the user."""
        return "CLOUD_IAM_SERVICE_ACCOUNT" if self.is_service_account else "CLOUD_IAM_USER"

    @property
    def login(self) -> str:
        """The PostgreSQL user's name; a service account's goes without its suffix.

        https://cloud.google.com/sql/docs/postgres/add-manage-iam-users
        """
        return self.email.removesuffix(SERVICE_ACCOUNT) if self.is_service_account else self.email


def users(d: "Declared") -> Users:
    """Return the users with a password."""
    return Users(d.owner_user, d.app_user, d.readonly_user, d.monitor_user, d.password_version)


def iam_users(d: "Declared") -> tuple[IamUser, ...]:
    """Return who logs in with IAM, in order of their addresses."""
    return tuple(IamUser(email, role) for email, role in sorted(d.iam_users.items()))


USERS = ("owner_user", "app_user", "readonly_user", "monitor_user")


def _names(d: "Declared") -> Iterator[str]:
    seen: dict[str, str] = {}
    for role, name in users(d).by_role():
        if name in seen:
            yield (
                f"{key(f'{role}_user')}: {name} is the {seen[name]} too. Give each role a user of"
                " its own: what one may do, the other may not."
            )
        seen.setdefault(name, role)
    for name in (*USERS, "database"):
        value = getattr(d, name)
        if value in RESERVED or value.startswith("pg_"):
            yield f"{key(name)}: {value} is Cloud SQL's own. Choose another name."


def _iam(d: "Declared") -> Iterator[str]:
    if d.iam_users and not d.iam_authentication:
        yield (
            f"{key('iam_users')}: nobody logs in with IAM while"
            f" {key('iam_authentication')} is false."
        )
    for email in sorted(d.iam_users):
        if email != email.lower():
            yield f"{key('iam_users')}: {email} has capital letters. IAM's addresses have none."


RULES: tuple[Rule, ...] = (
    (keys(*USERS, "database"), _names),
    (keys("iam_users", "iam_authentication"), _iam),
)
