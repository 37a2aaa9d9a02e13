-- What the owner keeps of what Cloud SQL gives to every user with a password: membership of
-- cloudsqlsuperuser, to whom the database belongs (schemas, extensions, grants on both), and
-- CREATEROLE, with which it grants memberships and sets what the others' sessions begin with.
GRANT cloudsqlsuperuser TO {{ owner|ident }};
ALTER ROLE {{ owner|ident }} CREATEROLE;
