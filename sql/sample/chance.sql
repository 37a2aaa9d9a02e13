-- Gives this session pg_temp.chance(n, salt): a number in [0, 1) that is always the same for the same arguments and seed.
-- Needs: TEMP on the database.
CREATE OR REPLACE FUNCTION pg_temp.chance(n bigint, salt integer) RETURNS float8
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN (hashint8extended(n * 64 + salt, current_setting('sample.seed')::bigint)
        & 9007199254740991) / 9007199254740992.0::float8
