-- How sessions of an IAM user begin who has the owner's rights: as the owner, so that what they
-- create belongs to it, has its default privileges, and does not keep the user from being removed.
ALTER ROLE {{ login|ident }} NOCREATEROLE NOCREATEDB;
ALTER ROLE {{ login|ident }} SET role = {{ owner_name|literal }};
