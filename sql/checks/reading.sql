-- Makes what is read look alike everywhere, whatever a database or a role has set: names with their
-- schema, floats with all their digits, money without a locale. A row that a policy would hide is an
-- error. Statements about many small tables look dear, and compiling them costs minutes: no JIT.
-- Until the end of the transaction. Needs no privilege.
SELECT set_config('search_path', '', true), set_config('row_security', 'off', true),
       set_config('extra_float_digits', '1', true), set_config('datestyle', 'ISO, YMD', true),
       set_config('intervalstyle', 'postgres', true), set_config('bytea_output', 'hex', true),
       set_config('lc_monetary', 'C', true), set_config('quote_all_identifiers', 'off', true),
       set_config('xmloption', 'content', true), set_config('synchronize_seqscans', 'off', true),
       set_config('jit', 'off', true)
