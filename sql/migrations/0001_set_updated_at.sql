-- migrate:up phase:expand
CREATE FUNCTION set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
AS $$
BEGIN
    -- The transaction's time: rows that change together bear one time.
    NEW.updated_at := pg_catalog.now();
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION set_updated_at() IS 'Keeps updated_at: BEFORE UPDATE, for each row.';

-- migrate:down
DROP FUNCTION set_updated_at();
