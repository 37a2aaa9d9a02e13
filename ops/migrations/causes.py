"""What an error code of PostgreSQL asks for, where its own words don't say."""

# What PostgreSQL means by its code, where its own words don't say what to do; as the beginning
# of a sentence that ends with "and run ... again".
_CAUSES = {
    "42501": "let the owner of the object grant the privilege to the role that runs it (for ALTER "
    "and DROP that is membership: GRANT the owner TO that role)",
    "53100": "the server's disk is full, so enlarge it (`invoke disk.grow`) or free space",
    "53200": "the server ran out of memory, so lower work_mem or maintenance_work_mem, or use a "
    "larger tier",
    "53300": "close connections that nobody needs, or raise max_connections",
    "25006": "the session can't write (a standby, or default_transaction_read_only), so connect to "
    "the primary or end that setting",
}


def mending(sqlstate: str | None) -> str:
    """Return what to do about an error of PostgreSQL, as the beginning of a sentence."""
    return _CAUSES.get(sqlstate or "", "mend it")
